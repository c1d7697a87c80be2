import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { addCoverage, type CoverageCounts } from './coverage.ts';
import { isNarrow, narrowLimits } from './narrow-limits.ts';
import { isNarrowSchedule } from './schedules.ts';
import type { Plant } from '../support/plant.ts';
import type { SeedResult } from './run-seed.ts';
import type { Chunk, WorkerMessage } from './worker.ts';

/** What is to be run. */
export interface CampaignOptions {
  readonly from: number;
  readonly seeds: number;
  readonly processes: number;
  readonly trace: boolean;
  readonly schedule: string | null;
  readonly plants: readonly Plant[];
  /** Ends as soon as a promise was broken. */
  readonly stopAtFirst: boolean;
  readonly onResult?: (result: SeedResult, done: number) => void;
}

/** How it went, as it is printed. */
export interface CampaignSummary {
  readonly seeds: number;
  readonly from: number;
  readonly failed: number;
  /** By kind of problem: how many seeds, and the first of them. */
  readonly problems: Readonly<Record<string, { seeds: number; firstSeed: number; text: string }>>;
  readonly deliveries: number;
  readonly requests: number;
  readonly virtualHours: number;
  readonly seconds: number;
  /** Used by all its processes together, their start included; of one that was stopped, up to its last chunk. */
  readonly cpuSeconds: number;
  readonly coverage: CoverageCounts;
}

/** So few that the processes end together, and many enough that asking for them costs nothing. */
const CHUNK_SEEDS = 8;

/** A seed leaves much garbage and keeps nothing: the larger the space, the less of a seed is alive, and copied, when it is full. */
const GARBAGE = ['--min-semi-space-size=128', '--max-semi-space-size=128'];
/** Errors that nobody reads need no stack. */
const UNREAD_ERRORS = ['--stack-trace-limit=0'];

/** Runs seeds in processes of their own, into which the plants are planted. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignSummary> {
  const startedAt = performance.now();
  const sum = { seeds: 0, failed: 0, deliveries: 0, requests: 0, virtualHours: 0 };
  const problems: Record<string, { seeds: number; firstSeed: number; text: string }> = {};
  const coverage: CoverageCounts = { crashes: {}, situations: {} };
  let stopped = false;
  let cpuMs = 0;
  const seeds = Array.from({ length: options.seeds }, (_, i) => options.from + i);
  const { schedule } = options;
  const isApart = schedule === null ? isNarrow : () => isNarrowSchedule(schedule);
  const narrow = seeds.filter(isApart);
  const wide = seeds.filter((seed) => !isApart(seed));

  const takeFrom = (left: number[]) => (): Chunk | null => {
    if (left.length === 0 || stopped) return null;
    return { seeds: left.splice(0, CHUNK_SEEDS), trace: options.trace, schedule: options.schedule };
  };
  const isStopped = (): boolean => stopped;
  const used = (ms: number): void => void (cpuMs += ms);
  async function runAll(): Promise<void> {
    const narrowed = { ...options, plants: [...narrowLimits, ...options.plants] };
    if (narrow.length > 0) await runWorker(narrowed, takeFrom(narrow), add, used, isStopped);
    if (wide.length > 0 && !stopped) await runWorker(options, takeFrom(wide), add, used, isStopped);
  }
  function add(result: SeedResult): void {
    sum.seeds += 1;
    sum.deliveries += result.deliveries;
    sum.requests += result.requests;
    sum.virtualHours += result.virtualHours;
    addCoverage(coverage, result.coverage);
    if (result.problems.length > 0) sum.failed += 1;
    for (const { kind, text } of result.problems) {
      const known = (problems[kind] ??= { seeds: 0, firstSeed: result.seed, text });
      known.seeds += 1;
      if (result.seed < known.firstSeed) Object.assign(known, { firstSeed: result.seed, text });
    }
    stopped ||= options.stopAtFirst && result.problems.length > 0;
    options.onResult?.(result, sum.seeds);
  }

  const processes = Math.min(options.processes, Math.ceil(options.seeds / CHUNK_SEEDS));
  await Promise.all(Array.from({ length: processes }, runAll));
  return {
    ...sum,
    from: options.from,
    problems,
    coverage,
    virtualHours: Math.round(sum.virtualHours),
    seconds: (performance.now() - startedAt) / 1_000,
    cpuSeconds: cpuMs / 1_000,
  };
}

function runWorker(
  options: CampaignOptions,
  take: () => Chunk | null,
  add: (result: SeedResult) => void,
  used: (cpuMs: number) => void,
  isStopped: () => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = startWorker(options);
    const nextChunk = (): void => {
      const chunk = take();
      if (chunk === null) child.disconnect();
      else child.send(chunk);
    };
    child.on('message', (message: WorkerMessage) => {
      if (message.kind === 'seed') add(message.result);
      if (message.kind === 'chunk-done') used(message.cpuMs);
      // In the middle of its seeds a worker listens to nobody.
      if (isStopped()) child.kill('SIGKILL');
      else if (message.kind === 'chunk-done' || message.kind === 'ready') nextChunk();
    });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 || isStopped() ? resolve() : reject(new Error(`a worker ended with code ${code}`)),
    );
  });
}

function startWorker({ plants, trace }: CampaignOptions): ChildProcess {
  const planting = plants.length === 0 ? [] : ['--import', join(import.meta.dirname, '../support/plant.ts')];
  return fork(join(import.meta.dirname, 'worker.ts'), {
    execArgv: [...planting, ...GARBAGE, ...(trace ? [] : UNREAD_ERRORS)],
    env: { ...process.env, ...(plants.length === 0 ? {} : { POSTRIDER_TEST_PLANT: JSON.stringify(plants) }) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}
