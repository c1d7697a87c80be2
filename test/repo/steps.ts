import { spawn } from 'node:child_process';

/** How one step of the check ended. */
export type StepResult =
  | { readonly kind: 'passed' }
  /** Could not be done here; `reason` says what is missing. */
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'failed'; readonly output: string };

/** One thing that `npm run check` makes sure of. */
export interface Step {
  readonly name: string;
  run(): Promise<StepResult>;
}

export interface CommandResult {
  /** Exit code; null when the command was ended by a signal or could not be started. */
  readonly code: number | null;
  /** What it wrote, to both streams, in order of arrival. */
  readonly output: string;
}

/** Runs a command to its end; a command that cannot be started ends with code null and the reason as output. */
export async function command(cwd: string, name: string, args: readonly string[]): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  const chunks: Buffer[] = [];
  const child = spawn(name, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FORCE_COLOR: '0' },
  });
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('error', (error) => resolve({ code: null, output: error.message }));
  child.on('close', (code) => resolve({ code, output: Buffer.concat(chunks).toString('utf8') }));
  return promise;
}

/** A step that passes when the command ends with code 0. */
export function commandStep(step: string, cwd: string, name: string, args: readonly string[]): Step {
  return {
    name: step,
    run: async () => {
      const { code, output } = await command(cwd, name, args);
      return code === 0 ? { kind: 'passed' } : { kind: 'failed', output };
    },
  };
}

/**
 * Runs the steps one after the other, all of them, and writes a line for each: the time it took and, when it failed, what
 * it said. A step that throws has failed. Returns whether none failed.
 */
export async function runSteps(
  steps: readonly Step[],
  write: (line: string) => void,
  now: () => number,
): Promise<boolean> {
  const count = { passed: 0, skipped: 0, failed: 0 };
  const width = Math.max(...steps.map(({ name }) => name.length));
  for (const step of steps) {
    const start = now();
    const result = await attempt(step);
    const seconds = ((now() - start) / 1000).toFixed(1).padStart(6);
    const label = `${step.name.padEnd(width)} ${seconds} s`;
    count[result.kind] += 1;
    if (result.kind === 'passed') write(`ok       ${label}`);
    else if (result.kind === 'skipped') write(`SKIPPED  ${label}  ${result.reason}`);
    else write(`FAILED   ${label}\n${indent(result.output)}`);
  }
  write(`${count.passed} passed, ${count.failed} failed${count.skipped === 0 ? '' : `, ${count.skipped} skipped`}`);
  return count.failed === 0;
}

/** Writes a line to standard output; a reader that has gone away, such as `head`, ends nothing. */
export function printLine(line: string): void {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {});
  process.stdout.write(`${line}\n`);
}

async function attempt(step: Step): Promise<StepResult> {
  try {
    return await step.run();
  } catch (error) {
    return { kind: 'failed', output: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `         ${line}`)
    .join('\n');
}
