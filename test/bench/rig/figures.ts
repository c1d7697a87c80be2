import { quantile } from '../../support/quantile.ts';
import { round } from '../machine.ts';
import { countOf } from './load-plan.ts';
import type { RigRun } from './run.ts';

/** Which requests of a run are looked at: of these streams, to be sent in this part of what is measured (seconds). */
export interface Part {
  readonly streams: readonly number[];
  readonly from?: number;
  readonly to?: number;
}

/** How requests to endpoints that are well fared. */
export interface Flow {
  /** Requests that were to be sent. */
  readonly wanted: number;
  /** Those of them that arrived at all, the first time that each did. */
  readonly arrived: number;
  readonly repeated: number;
  /** What arrived in the measured time, over what was to be sent in it. */
  readonly throughput: number;
  /** From when it was to be sent to its first bytes; what never arrived counts as endless. */
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Latencies of first arrivals, with when they were to be sent (second of what is measured), and how many came again. */
export interface FirstArrivals {
  readonly latencyMs: readonly number[];
  readonly second: readonly number[];
  readonly endpoint: readonly number[];
  /** How many arrived between the part's first and last moment, whenever they were to be sent. */
  readonly inTime: number;
  readonly repeated: number;
}

const NUMBERS_MAX = 2 ** 30;

/** Every request of a part once. */
export function firstArrivals({ startAt, seconds, arrivals }: RigRun, part: Part): FirstArrivals {
  const { streams, from = 0, to = seconds } = part;
  const wanted = new Set(streams);
  const seen = new Map<number, Set<number>>();
  const latencyMs: number[] = [];
  const second: number[] = [];
  const endpoint: number[] = [];
  let inTime = 0;
  let repeated = 0;
  for (let i = 0; i < arrivals.arrivedAt.length; i += 1) {
    const stream = arrivals.stream[i] as number;
    if (!wanted.has(stream)) continue;
    const intended = ((arrivals.intendedAt[i] as number) - startAt) / 1_000;
    const arrived = ((arrivals.arrivedAt[i] as number) - startAt) / 1_000;
    const to2 = arrivals.endpoint[i] as number;
    const numbers = seen.get(to2) ?? new Set();
    seen.set(to2, numbers);
    const key = stream * NUMBERS_MAX + (arrivals.number[i] as number);
    if (numbers.has(key)) {
      repeated += 1;
      continue;
    }
    numbers.add(key);
    if (arrived >= from && arrived < to) inTime += 1;
    // As the load counts them, to the half of a microsecond.
    if (intended < from - 1e-6 || intended >= to - 1e-6) continue;
    latencyMs.push((arrived - intended) * 1_000);
    second.push(intended);
    endpoint.push(to2);
  }
  return { latencyMs, second, endpoint, inTime, repeated };
}

/** How a part of several runs fared, all their requests together. */
export function flowOf(runs: readonly RigRun[], part: Part): Flow {
  const firsts = runs.map((run) => firstArrivals(run, part));
  const wanted = runs.reduce((sum, run) => sum + wantedOf(run, part), 0);
  const latencies = firsts.flatMap(({ latencyMs }) => latencyMs);
  const sum = (of: 'inTime' | 'repeated'): number => firsts.reduce((total, one) => total + one[of], 0);
  const missing = Math.max(0, wanted - latencies.length);
  const all = latencies.concat(Array.from({ length: missing }, () => Infinity));
  const ms = (fraction: number): number => round(quantile(all, fraction), 2);
  return {
    ...{ wanted, arrived: latencies.length, repeated: sum('repeated'), throughput: round(sum('inTime') / wanted, 4) },
    ...{ p50Ms: ms(0.5), p90Ms: ms(0.9), p99Ms: ms(0.99), maxMs: ms(1) },
  };
}

/** Requests of a part that were to be sent. */
export function wantedOf({ streams, seconds }: RigRun, part: Part): number {
  return streams
    .filter(({ id }) => part.streams.includes(id))
    .reduce((sum, stream) => sum + countOf(stream, part.from ?? 0, part.to ?? seconds) * (stream.copies ?? 1), 0);
}

/** Jain's index of fairness: 1 when all have the same, 1/n when one has everything. */
export function jainIndex(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

/** A second of a run, for pictures. */
export interface Second {
  readonly second: number;
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** How a part fared second by second. */
export function secondsOf(run: RigRun, part: Part): Second[] {
  const { latencyMs, second } = firstArrivals(run, part);
  const bySecond = new Map<number, number[]>();
  second.forEach((at, index) => {
    const whole = Math.floor(at + 1e-6);
    const values = bySecond.get(whole) ?? [];
    bySecond.set(whole, values);
    values.push(latencyMs[index] as number);
  });
  return [...bySecond]
    .toSorted(([a], [b]) => a - b)
    .map(([at, values]) => ({
      ...{ second: at, count: values.length, p50Ms: round(quantile(values, 0.5), 2) },
      ...{ p99Ms: round(quantile(values, 0.99), 2), maxMs: round(quantile(values, 1), 2) },
    }));
}

/** Of each request, what the processes spent on it (µs). */
export function cpuPerRequest(run: RigRun, requests: number): Readonly<Record<keyof RigRun['cpu'], number>> {
  const of = (name: keyof RigRun['cpu']): number => round(run.cpu[name] / requests);
  return {
    ...{ dispatcherUs: of('dispatcherUs'), routerUs: of('routerUs'), brokerUs: of('brokerUs') },
    ...{ sinkUs: of('sinkUs'), loadUs: of('loadUs') },
  };
}
