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
  const seconds = (performance.now() - began) / 1_000;
  return {
    calls: took.length,
    perSecond: round(took.length / seconds),
    p50Ms: round(quantile(took, 0.5), 2),
    p99Ms: round(quantile(took, 0.99), 2),
    maxMs: round(quantile(took, 1), 2),
  };
}
