import { SAME_TURN_MS } from './slices.ts';
import type { Clock } from '@postrider/core';

/** How many deliveries are started before what has come meanwhile has its turn: answers above all. */
export interface StartsTogether {
  /** Some may be started, from this moment on (ms, monotonic). */
  begin(now: number): void;
  /** One is, or is dealt with otherwise. */
  taken(): void;
  end(now: number): void;
  /** As many were taken as start together: no more may be until `goOn` is called. */
  readonly isOver: boolean;
}

/**
 * Where much waits, as many requests as a pod may have in flight would start before the first of their answers is read; and since
 * answers then come faster than they are read, it would stay that many. Endpoints would be opened four times the
 * connections that they need, only because we are slow. So a few start, then what was answered is read, and
 * what is in flight is what endpoints take their time for.
 */
export function createStartsTogether(clock: Clock, goOn: () => void, max: number): StartsTogether {
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
