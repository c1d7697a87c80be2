import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { diagnose } from './diagnosis.ts';
import type { Problem } from './local-kafka-error.ts';

/**
 * Becomes Java, and leaves a watcher behind that outlives it for a moment: the watcher reads a pipe whose other end only
 * the starting process holds, so it sees that process die, however it dies, and ends Java: politely, after 5 s for good.
 * While the watcher lives the system cannot give Java's process id away, since it is also the id of their process group.
 */
const supervise = `
exec 4<&0
( cat <&4; kill -TERM $$; kill -CONT $$; n=0
  while kill -0 $$ && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done; kill -KILL $$ ) >/dev/null 2>&1 3>&- &
exec 4<&-
exec java "$@" </dev/null
`;

const logConfig = join(dirname(fileURLToPath(import.meta.url)), 'log4j2.properties');
const lastLinesMax = 200;
const stopPatienceMs = 15_000;

/** A Java process that cannot outlive this one. */
export interface JavaProcess {
  readonly pid: number;
  /** Resolves when it has ended and its output is read: how, and the last lines of its output. */
  readonly ended: Promise<JavaEnd>;
  /** False once it has ended. */
  running(): boolean;
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL when that has not ended it after 15 s. Resolves when it has ended. */
  stop(): Promise<JavaEnd>;
  /** Lets this process end while Java still runs; Java then ends with it. */
  unref(): void;
}

/** How a Java process ended. */
export interface JavaEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
}

/** What to run: a main class of the jars with its arguments. */
export interface JavaCommand {
  readonly jarsDir: string;
  readonly mainClass: string;
  readonly args: readonly string[];
  readonly heapMiB: number;
  /** Compiled as a broker in production is, in the end; else quick to start, and several times slower per request. */
  readonly fullyCompiled: boolean;
}

/**
 * Starts Java in a process group and session of its own: a Ctrl-C in the terminal reaches the starting process alone, which
 * then stops its brokers in order.
 */
export function startJava(command: JavaCommand): JavaProcess {
  const flags = [
    '-Xms64m',
    `-Xmx${command.heapMiB}m`,
    '-XX:+UseSerialGC',
    ...(command.fullyCompiled ? [] : ['-XX:TieredStopAtLevel=1']),
    '-Xshare:auto',
    '-XX:+ExitOnOutOfMemoryError',
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${logConfig}`,
  ];
  const java = [...flags, '-cp', join(command.jarsDir, '*'), command.mainClass, ...command.args];
  const child = spawn('sh', ['-c', supervise, 'sh', ...java], { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const keep = (line: string) => {
    if (lines.push(line) > lastLinesMax) lines.shift();
  };
  createInterface(child.stdout).on('line', keep);
  createInterface(child.stderr).on('line', keep);
  child.stdin.on('error', () => {});
  let running = true;
  const ended = new Promise<JavaEnd>((resolve) => {
    child.once('error', (error) => {
      running = false;
      resolve({ code: null, signal: null, lines: [error.message] });
    });
    child.once('exit', () => {
      running = false;
      child.stdin.destroy();
    });
    child.once('close', (code, signal) => resolve({ code, signal, lines }));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    running: () => running,
    signal: (name) => void (running && child.kill(name)),
    stop: async () => {
      const killer = setTimeout(() => running && child.kill('SIGKILL'), stopPatienceMs);
      if (running) child.kill('SIGTERM');
      // A stopped (SIGSTOP) process would keep the SIGTERM to itself for ever.
      if (running) child.kill('SIGCONT');
      const end = await ended;
      clearTimeout(killer);
      return end;
    },
    unref: () => {
      child.unref();
      for (const stream of [child.stdin, child.stdout, child.stderr]) unrefStream(stream);
    },
  };
}

function unrefStream(stream: unknown): void {
  if (typeof stream === 'object' && stream !== null && 'unref' in stream && typeof stream.unref === 'function')
    stream.unref();
}

/** Runs Java to its end. Undefined when it ended well, else what went wrong. Aborting kills it. */
export async function runJava(
  command: JavaCommand,
  dataDir: string,
  signal?: AbortSignal,
): Promise<Problem | undefined> {
  const java = startJava(command);
  const abort = () => java.signal('SIGKILL');
  signal?.addEventListener('abort', abort);
  const end = await java.ended;
  signal?.removeEventListener('abort', abort);
  return end.code === 0 ? undefined : diagnose(end, end.lines, dataDir);
}
