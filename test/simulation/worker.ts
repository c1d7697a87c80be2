/** Runs the seeds that its parent names, one after the other, and tells how each went. */
import { failedSeed } from './failed-seed.ts';
import { runSchedule } from './schedules.ts';
import { runSeed, type SeedResult } from './run-seed.ts';

/** What a worker is told. */
export interface Chunk {
  readonly seeds: readonly number[];
  readonly trace: boolean;
  readonly schedule: string | null;
}

export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'seed'; readonly result: SeedResult }
  /** With the CPU that the process has used since its last chunk, or its start. */
  | { readonly kind: 'chunk-done'; readonly cpuMs: number };

let toldCpu = { user: 0, system: 0 };
const tell = (message: WorkerMessage): void => void process.send?.(message);

process.on('message', (chunk: Chunk) => void work(chunk));
process.on('disconnect', () => process.exit());
tell({ kind: 'ready' });

async function work({ seeds, trace, schedule }: Chunk): Promise<void> {
  for (const seed of seeds) tell({ kind: 'seed', result: await runOne(seed, trace, schedule) });
  const { user, system } = process.cpuUsage(toldCpu);
  toldCpu = process.cpuUsage();
  tell({ kind: 'chunk-done', cpuMs: (user + system) / 1_000 });
}

async function runOne(seed: number, trace: boolean, schedule: string | null): Promise<SeedResult> {
  try {
    return await (schedule === null ? runSeed(seed, { trace }) : runSchedule(schedule, seed, { trace }));
  } catch (error) {
    return failedSeed(seed, 'crash', (error as Error).stack ?? String(error));
  }
}
