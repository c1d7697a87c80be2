import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DispatchOptions } from './options.ts';
import type { Sink } from './sink.ts';

/** What the raw loop did in its measured time. */
export interface RawRun {
  readonly kind: 'raw';
  readonly requests: number;
  readonly cpuUs: number;
  readonly wallUs: number;
  /** Connections at the sink near the end. */
  readonly connections: number;
}

/** Runs `raw-loop-process.ts` against the sink; CPU is that of its whole process, as for the dispatcher. */
export async function runRawLoop(sink: Sink, options: DispatchOptions): Promise<RawRun> {
  const { endpoints, inFlight, bodyBytes } = options;
  const seconds = Math.min(options.seconds, Math.max(20, Math.round(options.seconds / 3)));
  const file = join(import.meta.dirname, 'raw-loop-process.ts');
  const args = [file, ...[sink.port, endpoints, inFlight, seconds, bodyBytes].map(String)];
  const running = promisify(execFile)(process.execPath, args, { encoding: 'utf8' });
  let connections = 0;
  const watch = setInterval(() => {
    void sink.counts().then((counts) => {
      connections = Math.max(connections, counts.connections);
    });
  }, 1_000);
  try {
    const { stdout } = await running;
    const measured = JSON.parse(stdout) as { requests: number; cpuUs: number; wallUs: number };
    if (measured.requests === 0) throw new Error('the raw loop made no requests');
    return { kind: 'raw', ...measured, connections };
  } finally {
    clearInterval(watch);
  }
}
