import type { Clock } from '@postrider/core';

/** How many requests start before what has come meanwhile has its turn: answers above all. */
export interface StartsTogether {
  /** One more may start at this moment (ms, monotonic). False: `goOn` is called when it may. */
  take(now: number): boolean;
  /** As many have started as start together, and `goOn` is still to be called. */
  readonly isOver: boolean;
}

/** Starts this close to each other are of one turn of the event loop. */
const SAME_TURN_MS = 0.5;

/**
 * Where much waits, as many requests as a pod may have in flight would start before the first of their answers is read; and since
 * answers then come faster than they are read, it would stay that many. Endpoints would be opened four times the
 * connections that they need, only because we are slow. So a few start, then what was answered is read, and
 * what is in flight is what endpoints take their time for.
 */
export function createStartsTogether(clock: Clock, goOn: () => void, max: number): StartsTogether {
  let left = max;
  let lastAt = -Infinity;
  let isOver = false;
  return {
    take(now) {
      if (now - lastAt > SAME_TURN_MS) left = max;
      lastAt = now;
      left -= 1;
      if (left >= 0) return true;
      isOver = true;
      clock.after(0, () => {
        isOver = false;
        lastAt = -Infinity;
        goOn();
      });
      return false;
    },
    get isOver() {
      return isOver;
    },
  };
}
