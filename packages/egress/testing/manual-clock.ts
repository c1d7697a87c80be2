import type { Clock } from '@postrider/core';

/** A clock that stands still until told. Observe `armed`: timers not yet called. */
export function manualClock() {
  let time = 1_000_000;
  const timers = new Map<object, { at: number; callback: () => void }>();
  const clock: Clock = {
    now: () => time,
    monotonic: () => time,
    after(delayMs, callback) {
      const key = {};
      timers.set(key, { at: time + delayMs, callback });
      return () => void timers.delete(key);
    },
  };
  return {
    clock,
    armed: () => timers.size,
    /** Lets time pass in one go, as a stalled event loop does, or timer by timer. */
    advance(ms: number, stalled = false): void {
      const until = time + ms;
      if (stalled) time = until;
      for (;;) {
        const next = [...timers].filter(([, timer]) => timer.at <= until).toSorted(([, a], [, b]) => a.at - b.at)[0];
        if (next === undefined) break;
        timers.delete(next[0]);
        time = Math.max(time, next[1].at);
        next[1].callback();
      }
      time = until;
    },
  };
}
