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
  /**
   * Present when the clock can tell that nothing happens: it may then leave out calls of `every`, as a simulation of many
   * days has to. Called through the function `every`.
   */
  readonly every?: (intervalMs: number, callback: () => void) => () => void;
}

/**
 * Calls `callback` every `intervalMs` until the returned function is called: for looking after what has no event of its
 * own. A call may come late, and calls may be left out while nothing happens; whatever depends on time must read the clock.
 */
export function every(clock: Clock, intervalMs: number, callback: () => void): () => void {
  if (clock.every !== undefined) return clock.every(intervalMs, callback);
  let cancel = (): void => undefined;
  const plan = (): void => {
    cancel = clock.after(intervalMs, () => {
      plan();
      callback();
    });
  };
  plan();
  return () => cancel();
}
