import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { imageEnvironment } from '../support/image-environment.ts';
import { loopArguments, type LoopOptions } from './signed-loop.ts';
import type { DispatchOptions } from './options.ts';
import type { Sink } from './sink.ts';

/** What a loop did in its measured time. */
export interface LoopRun {
  readonly requests: number;
  readonly cpuUs: number;
  readonly wallUs: number;
  /** Connections at the sink near the end. */
  readonly connections: number;
}

/** What the raw loop did. */
export interface RawRun extends LoopRun {
  readonly kind: 'raw';
}

/** Runs a loop of `signed-loop.ts` against the sink in a process of its own, whose CPU is the loop's. */
export async function runLoopProcess(
  loop: 'raw-loop' | 'egress-loop',
  sink: Sink,
  options: LoopOptions,
): Promise<LoopRun> {
  const file = join(import.meta.dirname, `${loop}-process.ts`);
  const args = [file, ...loopArguments({ ...sink, ...options }, options)];
  const running = promisify(execFile)(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, ...imageEnvironment },
  });
  let connections = 0;
  const watch = setInterval(() => {
    void sink.counts().then((counts) => {
      connections = Math.max(connections, counts.connections);
    });
  }, 1_000);
  try {
    const { stdout } = await running;
    const measured = JSON.parse(stdout) as { requests: number; cpuUs: number; wallUs: number };
    if (measured.requests === 0) throw new Error(`the ${loop} made no requests`);
    return { ...measured, connections };
  } finally {
    clearInterval(watch);
  }
}

/** The raw loop beside a dispatch run. */
export async function runRawLoop(sink: Sink, options: DispatchOptions): Promise<RawRun> {
  const seconds = Math.min(options.seconds, Math.max(20, Math.round(options.seconds / 3)));
  return { kind: 'raw', ...(await runLoopProcess('raw-loop', sink, { ...options, seconds })) };
}
