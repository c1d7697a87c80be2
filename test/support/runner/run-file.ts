import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FileEvent } from './event-reporter.ts';

/** A test that failed, or a file that did. */
export interface Failure {
  readonly name: string;
  readonly place: string;
  readonly error: string;
}

/** How one test file went. */
export interface FileResult {
  readonly path: string;
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  readonly durationMs: number;
  /** The end of what it printed on either stream. */
  readonly output: string;
}

/** How a test file is to be run. */
export interface RunFileOptions {
  readonly root: string;
  readonly timeoutMs: number;
  /** Variables on top of this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the file early. */
  readonly signal?: AbortSignal;
}

/** What Node has compiled: most of what a short test file costs, and each process that it starts. */
const compiled = join(import.meta.dirname, '../../../.cache/compiled');
const outputCharsMax = 20_000;
const graceMs = 5000;

/**
 * Runs one test file in a process of its own and tells how it went. A file that ends without a full result, that hangs, or
 * that does not end after its tests is a failure of its own, named after the file: it is never quietly a success.
 */
export async function runFile(path: string, options: RunFileOptions): Promise<FileResult> {
  const started = performance.now();
  const scratch = mkdtempSync(join(tmpdir(), 'postrider-run-'));
  const eventsPath = join(scratch, 'events');
  try {
    const end = await runProcess(path, eventsPath, options);
    const events = readEvents(eventsPath);
    const failures = events
      .filter((event) => event.kind === 'failed')
      .map(({ name, place, error }) => ({ name, place, error }));
    const own = fileFailure(path, events, end, failures.length > 0, options.timeoutMs);
    return {
      path,
      passed: events.filter((event) => event.kind === 'passed').length,
      skipped: events.filter((event) => event.kind === 'skipped').length,
      failures: own === undefined ? failures : [...failures, own],
      durationMs: performance.now() - started,
      output: end.output,
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly output: string;
}

async function runProcess(path: string, eventsPath: string, options: RunFileOptions): Promise<ProcessEnd> {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const reporter = [
    '--test-reporter',
    import.meta.resolve('./event-reporter.ts'),
    '--test-reporter-destination',
    eventsPath,
  ];
  const child = spawn(process.execPath, [...reporter, path], {
    cwd: options.root,
    env: { NODE_COMPILE_CACHE: compiled, ...inherited, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: string) => {
    output = (output + chunk).slice(-outputCharsMax);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  let timedOut = false;
  const deadline = setTimeout(() => {
    timedOut = true;
    end(child);
  }, options.timeoutMs);
  const abort = () => end(child);
  options.signal?.addEventListener('abort', abort);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve) => child.once('exit', () => resolve()));
  clearTimeout(deadline);
  options.signal?.removeEventListener('abort', abort);
  // A process that a test left behind may hold the streams open for ever; it is not waited for.
  const patience = new AbortController();
  await Promise.race([closed, delay(graceMs, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
  child.stdout.destroy();
  child.stderr.destroy();
  return { code: child.exitCode, signal: child.signalCode, timedOut, output };
}

/** Asks first, so that a test can end what it started; a process stuck in a loop hears nothing and is killed. */
function end(child: ChildProcess): void {
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  child.once('exit', () => clearTimeout(killer));
}

function readEvents(path: string): FileEvent[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // The file died before it came to its first test: there is nothing to read, and that is told below.
  }
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as FileEvent);
}

function fileFailure(
  path: string,
  events: readonly FileEvent[],
  end: ProcessEnd,
  hasFailures: boolean,
  timeoutMs: number,
): Failure | undefined {
  const failure = (error: string): Failure => ({ name: path, place: path, error });
  const complete = events.some((event) => event.kind === 'end');
  const exit = end.signal === null ? `exit code ${end.code}` : end.signal;
  if (end.timedOut) {
    const running = runningTests(events);
    const after = `stopped after ${timeoutMs / 1000} s`;
    if (running.length > 0) return failure(`hung: ${after} in: ${running.join(', ')}`);
    if (!events.some((event) => event.kind === 'ended')) return failure(`hung: ${after}, before its first test`);
    return failure(`did not end: ${after}, all its tests had ended: something was left open`);
  }
  if (!complete && end.code === 0)
    return failure('ended without a test result: it has no tests, or it called process.exit');
  if (!complete) return failure(`ended before its tests were done (${exit})`);
  if (!events.some((event) => event.kind === 'ended')) return failure('has no tests');
  if (end.code !== 0 && !hasFailures) {
    const notes = events.filter((event) => event.kind === 'note').map((event) => event.text);
    return failure([`ended with ${exit} although no test failed`, ...notes].join('\n'));
  }
  return undefined;
}

function runningTests(events: readonly FileEvent[]): string[] {
  const running = new Set<string>();
  for (const event of events)
    if (event.kind === 'began') running.add(event.name);
    else if (event.kind === 'ended') running.delete(event.name);
  return [...running];
}
