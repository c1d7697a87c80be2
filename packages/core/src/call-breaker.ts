/** How a breaker is to behave; times in milliseconds. */
export interface CallBreakerOptions {
  /** Failures in a row after which it opens. */
  readonly failuresMax: number;
  /** How long it stays open the first time; twice as long after each probe that fails. */
  readonly openMinMs: number;
  readonly openMaxMs: number;
}

/**
 * Keeps a helper that does not answer from being asked again and again.
 *
 * | from | to | when |
 * |---|---|---|
 * | closed | open | `failuresMax` calls in a row have failed |
 * | open | open, for longer | its time is over, one call was let through as a probe, and failed |
 * | open | closed | a call succeeded |
 *
 * Times are those of a monotonic clock.
 */
export interface CallBreaker {
  readonly open: boolean;
  /** Whether a call may be made now. While open: one, as a probe, each time that the open time is over. */
  allows(now: number): boolean;
  succeeded(): void;
  failed(now: number): void;
}

/** A closed breaker. */
export function createCallBreaker({ failuresMax, openMinMs, openMaxMs }: CallBreakerOptions): CallBreaker {
  let failures = 0;
  let openMs = 0;
  let probeAt = 0;
  let probing = false;
  return {
    get open() {
      return openMs > 0;
    },
    allows(now) {
      if (openMs === 0) return true;
      if (now < probeAt) return false;
      // Until this one has come back, or could have, nobody else is let through.
      probing = true;
      probeAt = now + openMs;
      return true;
    },
    succeeded() {
      failures = 0;
      openMs = 0;
      probing = false;
    },
    failed(now) {
      failures += 1;
      if (failures < failuresMax) return;
      // A call from before it opened that fails now says nothing new.
      if (openMs > 0 && !probing) return;
      probing = false;
      openMs = openMs === 0 ? openMinMs : Math.min(openMaxMs, 2 * openMs);
      probeAt = now + openMs;
    },
  };
}
