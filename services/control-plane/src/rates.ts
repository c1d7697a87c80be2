import { createRateLimit, type Clock, type RateLimit } from '@postrider/core';

const SECOND_MS = 1_000;

/** How often each of many may do something, counted apart. */
export interface Rates {
  /** What this one has left of `count` a second; it begins anew when that is another number than before. */
  of(who: string, count: number): RateLimit;
}

/** Of `most` at a time. Nobody has done anything yet. */
export function createRates(clock: Pick<Clock, 'monotonic'>, most: number): Rates {
  const limits = new Map<string, RateLimit>();
  return {
    of(who, count) {
      const known = limits.get(who);
      if (known?.count === count) return known;
      if (limits.size >= most) forgetRested(limits, most, clock.monotonic());
      const limit = createRateLimit(count, SECOND_MS);
      limits.set(who, limit);
      return limit;
    },
  };
}

/** Who has done nothing for a while is counted from the beginning; when all have, those who came first are. */
function forgetRested(limits: Map<string, RateLimit>, most: number, now: number): void {
  for (const [who, { restedAt }] of limits) if (restedAt <= now) limits.delete(who);
  for (const who of limits.keys()) {
    if (limits.size < most) return;
    limits.delete(who);
  }
}
