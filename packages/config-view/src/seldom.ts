import type { Clock } from '@postrider/core';

/** While Kafka is away its client complains every second; an operator needs to read it now and then. */
export const TROUBLE_EVERY_MS = 30_000;

/** A function that does what it is given, and then nothing until `everyMs` have passed. */
export function createSeldom(clock: Clock, everyMs: number): (action: () => void) => void {
  let last = -Infinity;
  return (action) => {
    if (clock.monotonic() - last < everyMs) return;
    last = clock.monotonic();
    action();
  };
}
