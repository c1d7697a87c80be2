import { limits } from './limits.ts';

/** At most `count` starts in any `periodMs`, a tenth of them at once, the others evenly spread. */
export interface RateLimit {
  readonly count: number;
  readonly periodMs: number;
  /** From when on one may start, on the clock that `take` is called with. */
  readonly openAt: number;
  /** From when on it is as if none had ever started. */
  readonly restedAt: number;
  /** One starts at `now`, which is not before `openAt`. */
  take(now: number): void;
}

/** How starts are spread: `burst` at once, then one every `spacingMs`; who has been idle may be ahead by `toleranceMs`. */
export interface RatePace {
  readonly burst: number;
  readonly spacingMs: number;
  readonly toleranceMs: number;
}

/**
 * The pace of `count` starts per `periodMs`, both above 0. The generic cell rate algorithm: with a burst of b and one cell
 * every T, any period holds at most b + period / T - 1 starts; T is chosen so that this is `count`.
 */
export function ratePace(count: number, periodMs: number): RatePace {
  const burst = Math.max(1, Math.floor(count * limits.rateBurstFraction));
  const spacingMs = periodMs / (count - burst + 1);
  return { burst, spacingMs, toleranceMs: spacingMs * (burst - 1) };
}

/** A limit of which nothing is used yet: `count` starts per `periodMs`, both above 0. */
export function createRateLimit(count: number, periodMs: number): RateLimit {
  const { spacingMs, toleranceMs } = ratePace(count, periodMs);
  /** When the next start would be if all were evenly spread. */
  let expectedAt = -Infinity;
  return {
    count,
    periodMs,
    get openAt() {
      return expectedAt - toleranceMs;
    },
    get restedAt() {
      return expectedAt;
    },
    take(now) {
      expectedAt = Math.max(now, expectedAt) + spacingMs;
    },
  };
}
