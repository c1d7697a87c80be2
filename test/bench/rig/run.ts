import { setTimeout as delay } from 'node:timers/promises';
import { residentMiB } from '../../support/resident-memory.ts';
import { cpuMicroseconds } from '../proc-stat.ts';
import { countOf, type LoadTold, type Stream } from './load-plan.ts';
import { startBenchLoad, type BenchLoad } from './load.ts';
import { monotonicMs } from './monotonic.ts';
import { ArrivalLog, type Arrivals } from './arrivals.ts';
import type { LoadTarget } from './rig.ts';

/** What one run of a load asks for. */
export interface RunOptions {
  /** What is measured; the streams' seconds count from its beginning. */
  readonly seconds: number;
  readonly bodyBytes: number;
  readonly streams: readonly Stream[];
  /** Streams whose records are waited for at the end, by their ids; those to endpoints that are well. */
  readonly awaited: readonly number[];
  /** Goes on from the load's start until it is over. */
  readonly whileRunning?: (load: BenchLoad, isOver: () => boolean) => Promise<void>;
  /** Records that are on their way at most: the load waits for arrivals. */
  readonly outstandingMax?: number;
}

/** CPU in microseconds, of the measured time alone. */
export interface RunCpu {
  readonly dispatcherUs: number;
  readonly routerUs: number;
  /** 0: the broker is not ours. */
  readonly brokerUs: number;
  readonly sinkUs: number;
  readonly loadUs: number;
}

/** What a run showed. */
export interface RigRun {
  /** `monotonicMs` of second 0. */
  readonly startAt: number;
  readonly seconds: number;
  readonly streams: readonly Stream[];
  readonly arrivals: Arrivals;
  readonly load: LoadTold;
  readonly cpu: RunCpu;
  /** Of each dispatcher, at the end of what is measured. */
  readonly rssMib: readonly number[];
}

/** A process that is new takes twice the CPU for its first ten thousand deliveries, and then works off what came meanwhile: so long (s). */
export const COLD_S = 30;
/** Between the load's start and its first record. */
const LEAD_MS = 300;
/** How long what was asked for may be on its way after the last of it. */
const DRAIN_MS = 30_000;
const LOOK_MS = 100;

/** Runs a load over an installation and gathers what arrived. Second 0 comes when every stream that begins before it has begun. */
export async function runLoad(target: LoadTarget, options: RunOptions): Promise<RigRun> {
  const { seconds, streams, bodyBytes } = options;
  const { bootstrapServers: brokers } = target.stage;
  const { topicPrefix, partitions, endpoints, writes } = target;
  await using load = await startBenchLoad({
    ...{ brokers, topicPrefix, partitions, endpoints, writes, bodyBytes, streams },
  });
  const before = Math.max(0, ...streams.map(({ from }) => -from));
  const startAt = monotonicMs() + LEAD_MS + before * 1_000;
  await load.start(startAt, options.outstandingMax);
  let isOver = false;
  const running = options.whileRunning?.(load, () => isOver);
  await delay(Math.max(0, startAt - monotonicMs()));
  const cpuBefore = await cpuOf(target, load);
  await delay(Math.max(0, startAt + seconds * 1_000 - monotonicMs()));
  const cpuAfter = await cpuOf(target, load);
  const rssMib = target.dispatchers.map(({ pid }) => Math.round(residentMiB({ pid })));
  isOver = true;
  await running;
  const told = await load.end();
  const arrivals = await untilArrived(target, options);
  const difference = (name: keyof RunCpu): number => cpuAfter[name] - cpuBefore[name];
  const cpu = {
    ...{ dispatcherUs: difference('dispatcherUs'), routerUs: difference('routerUs') },
    ...{ brokerUs: difference('brokerUs'), sinkUs: difference('sinkUs'), loadUs: difference('loadUs') },
  };
  return { startAt, seconds, streams, arrivals, load: told, cpu, rssMib };
}

async function cpuOf(target: LoadTarget, load: BenchLoad): Promise<RunCpu> {
  const of = (pid: number | undefined): Promise<number> =>
    pid === undefined ? Promise.resolve(0) : cpuMicroseconds(pid);
  const dispatchers = await Promise.all(target.dispatchers.map(({ pid }) => of(pid)));
  return {
    dispatcherUs: dispatchers.reduce((sum, one) => sum + one, 0),
    ...{ routerUs: await of(target.router?.pid), brokerUs: await of(target.stage.brokerPid) },
    ...{ sinkUs: (await target.sink.counts()).cpuUs, loadUs: await of(load.pid) },
  };
}

/** What is awaited has arrived, or nothing more arrives for a while. */
async function untilArrived({ sink }: LoadTarget, { streams, awaited, outstandingMax }: RunOptions): Promise<Arrivals> {
  const until = monotonicMs() + DRAIN_MS;
  // A load that waits for arrivals does not say how many it writes.
  const bounded = outstandingMax !== undefined;
  const wanted = streams
    .filter(({ id }) => awaited.includes(id))
    .reduce((sum, stream) => sum + (bounded ? 0 : countOf(stream) * (stream.copies ?? 1)), 0);
  const log = new ArrivalLog();
  let found = 0;
  for (;;) {
    const part = await sink.take();
    log.append(part);
    found += part.stream.reduce((sum, id) => sum + (awaited.includes(id) ? 1 : 0), 0);
    if (found >= wanted && (!bounded || part.stream.length === 0)) break;
    if (monotonicMs() > until) break;
    await delay(LOOK_MS);
  }
  return log.take();
}
