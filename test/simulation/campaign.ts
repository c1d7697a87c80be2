import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { addCoverage, type CoverageCounts } from './coverage.ts';
import { failedSeed } from './failed-seed.ts';
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
  /** A seed that has not ended after so long (real time) is one with a problem; 60,000 when absent. */
  readonly seedMsMax?: number;
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

/** A seed takes a fraction of a second: one that takes so long will hardly end. */
const SEED_MS_MAX = 60_000;

/** A seed leaves much garbage and keeps nothing: the larger the space, the less of a seed is alive, and copied, when it is full. */
const GARBAGE = ['--min-semi-space-size=128', '--max-semi-space-size=128'];
/** Most functions run too seldom to be worth more than being compiled plainly, and too often to be interpreted. */
const COMPILER = ['--always-sparkplug'];
/** What the processes compile is kept for those after them. */
const COMPILED = join(import.meta.dirname, '../../.cache/compiled');
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

  const shareOf = (left: number[]): Share => ({
    take: () =>
      left.length === 0 || stopped ? null : { seeds: left.splice(0, CHUNK_SEEDS), trace: options.trace, schedule },
    ...{ add, used: (ms) => void (cpuMs += ms), isStopped: () => stopped },
  });
  const narrowed = { ...options, plants: [...narrowLimits, ...options.plants] };
  const shares = [
    { left: narrow, options: narrowed },
    { left: wide, options },
  ];
  /** Half of the processes begin with the other seeds: what a process has learned of its code dies with it. */
  async function runAll(at: number): Promise<void> {
    for (const one of at % 2 === 0 ? shares : shares.toReversed())
      if (one.left.length > 0 && !stopped) await runShare(one.options, shareOf(one.left));
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
  await Promise.all(Array.from({ length: processes }, (_, at) => runAll(at)));
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

/** What a process works on, and whom it tells. */
interface Share {
  readonly take: () => Chunk | null;
  readonly add: (result: SeedResult) => void;
  readonly used: (cpuMs: number) => void;
  readonly isStopped: () => boolean;
}

/** One process after the other: each goes on behind the seed that its predecessor did not come to the end of. */
async function runShare(options: CampaignOptions, share: Share): Promise<void> {
  for (let left = await runProcess(options, share, null); left !== null;) left = await runProcess(options, share, left);
}

/** Runs this chunk, then others. Resolves with what is left of the chunk in which a seed did not end; null: all is done. */
function runProcess(options: CampaignOptions, share: Share, first: Chunk | null): Promise<Chunk | null> {
  const { seedMsMax = SEED_MS_MAX } = options;
  return new Promise((resolve, reject) => {
    const child = startWorker(options);
    let chunk = first;
    let isStuck = false;
    let watch: NodeJS.Timeout | undefined;
    const watchNext = (): void => {
      clearTimeout(watch);
      watch = setTimeout(() => {
        isStuck = true;
        child.kill('SIGKILL');
      }, seedMsMax);
    };
    const work = (): void => {
      clearTimeout(watch);
      if (chunk === null) return child.disconnect();
      child.send(chunk);
      watchNext();
    };
    child.on('message', (message: WorkerMessage) => {
      if (isStuck) return;
      if (message.kind === 'seed') {
        share.add(message.result);
        chunk = chunk && behindFirst(chunk);
        watchNext();
      }
      if (message.kind === 'chunk-done') share.used(message.cpuMs);
      // In the middle of its seeds a worker listens to nobody.
      if (share.isStopped()) return void child.kill('SIGKILL');
      if (message.kind === 'chunk-done') chunk = share.take();
      if (message.kind === 'ready') chunk ??= share.take();
      if (message.kind !== 'seed') work();
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(watch);
      const seed = chunk?.seeds[0];
      if (isStuck && chunk !== null && seed !== undefined) {
        share.add(failedSeed(seed, 'endless', `it has not come to an end in ${seedMsMax / 1_000} s`));
        return resolve(behindFirst(chunk));
      }
      if (code === 0 || share.isStopped()) resolve(null);
      else reject(new Error(`a worker ended with code ${code}`));
    });
  });
}

const behindFirst = (chunk: Chunk): Chunk => ({ ...chunk, seeds: chunk.seeds.slice(1) });

function startWorker({ plants, trace }: CampaignOptions): ChildProcess {
  const planting = plants.length === 0 ? [] : ['--import', join(import.meta.dirname, '../support/plant.ts')];
  return fork(join(import.meta.dirname, 'worker.ts'), {
    execArgv: [...planting, ...GARBAGE, ...COMPILER, ...(trace ? [] : UNREAD_ERRORS)],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: COMPILED,
      ...(plants.length === 0 ? {} : { POSTRIDER_TEST_PLANT: JSON.stringify(plants) }),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}
