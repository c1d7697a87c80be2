import type { Clock } from './clock.ts';

/** What is this close to each other (ms) is of one turn of the event loop. */
export const SAME_TURN_MS = 0.5;

/** How much is done at a stretch before what has come meanwhile has its turn. */
export interface Stretch {
  /** Some may be done, from this moment on (ms, monotonic). */
  begin(now: number): void;
  /** One is. */
  taken(): void;
  /** No more is done for now. What begins soon after it is of the same turn. */
  end(now: number): void;
  /** As many were done as a stretch allows: no more may be until `goOn` is called. */
  readonly isOver: boolean;
}

/**
 * Long work whose parts are asked for from many places, a stretch at a time, whoever asks: `max` parts in one turn of the event
 * loop, then all else has its turn, then `goOn` is called.
 */
export function createStretch(clock: Clock, goOn: () => void, max: number): Stretch {
  let left = max;
  let endedAt = -Infinity;
  let isOver = false;
  return {
    begin(now) {
      if (now - endedAt > SAME_TURN_MS) left = max;
    },
    end(now) {
      endedAt = now;
    },
    taken() {
      left -= 1;
      if (left > 0) return;
      isOver = true;
      clock.after(0, () => {
        isOver = false;
        left = max;
        goOn();
      });
    },
    get isOver() {
      return isOver;
    },
  };
}
