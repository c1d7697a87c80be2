import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '../../support/quantile.ts';
import { round } from '../machine.ts';

/** What many callers do at once was like. */
export interface Called {
  readonly calls: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** So many callers, each of which calls again as soon as it is answered, until `next` gives nothing more to do. */
export async function callAtOnce(callers: number, next: () => (() => Promise<unknown>) | null): Promise<Called> {
  const took: number[] = [];
  const caller = async (): Promise<void> => {
    for (let call = next(); call !== null; call = next()) {
      const began = performance.now();
      await call();
      took.push(performance.now() - began);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  return called(took, performance.now() - began);
}

/** What callers do who call evenly. */
export interface CalledEvenly extends Called {
  /** As `p99Ms`, but each counted from when it was due: a caller that waited for its last call to end is late with the next. */
  readonly p99SinceDueMs: number;
}

/** So many callers that make so many calls a second between them, evenly, as far as each is answered in time for its next. */
export async function callEvenly(
  callers: number,
  perSecond: number,
  seconds: number,
  call: () => Promise<unknown>,
): Promise<CalledEvenly> {
  const [took, sinceDue]: [number[], number[]] = [[], []];
  const began = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let n = next++; n < perSecond * seconds; n = next++) {
      const dueAt = began + (n * 1_000) / perSecond;
      while (dueAt > performance.now()) await delay(dueAt - performance.now());
      const from = performance.now();
      await call();
      took.push(performance.now() - from);
      sinceDue.push(performance.now() - dueAt);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { ...called(took, performance.now() - began), p99SinceDueMs: round(quantile(sinceDue, 0.99), 2) };
}

/** So many calls a second, evenly, whatever becomes of those before: each counts from when it is due. */
export async function callAtRate(perSecond: number, seconds: number, call: () => Promise<unknown>): Promise<Called> {
  const took: number[] = [];
  const underWay: Promise<void>[] = [];
  const began = performance.now();
  const timed = async (dueAt: number): Promise<void> => {
    await call();
    took.push(performance.now() - dueAt);
  };
  while (underWay.length < perSecond * seconds) {
    const dueAt = began + (underWay.length * 1_000) / perSecond;
    if (dueAt > performance.now()) await delay(1);
    else underWay.push(timed(dueAt));
  }
  await Promise.all(underWay);
  return called(took, performance.now() - began);
}

function called(took: readonly number[], ms: number): Called {
  return {
    calls: took.length,
    perSecond: round((took.length * 1_000) / ms),
    p50Ms: round(quantile(took, 0.5), 2),
    p99Ms: round(quantile(took, 0.99), 2),
    maxMs: round(quantile(took, 1), 2),
  };
}
