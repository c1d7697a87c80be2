/**
 * Time as a dependency. Rules and services never call `Date.now` or `setTimeout`: they are given a clock, so that a
 * simulation can run days in seconds and a test never sleeps. The real one is `systemClock` of `@postrider/runtime`.
 */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. May jump. For timestamps that leave the process. */
  now(): number;
  /** Milliseconds since an arbitrary point; never goes back. For deadlines, fences and intervals. */
  monotonic(): number;
  /** Calls `callback` once, `delayMs` from now. Returns a function that cancels it (harmless when already called). */
  after(delayMs: number, callback: () => void): () => void;
}
