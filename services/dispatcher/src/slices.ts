import { SAME_TURN_MS, type Clock } from '@postrider/core';
import { createFifo } from './fifo.ts';

/** Does a little of what there is to do. True: there is more. */
export type Step = () => boolean;

/**
 * Long work in slices, so that sockets and timers are never kept waiting for it. All of a process's long work shares one,
 * or many short slices would be one long one.
 */
export interface Slices {
  /**
   * Takes the step again and again until it has no more to do: the first slice at once, if there is time left in this one.
   * What is urgent goes before all else that takes turns: it has an end, and comes again and again.
   */
  run(step: Step, isUrgent?: boolean): void;
  close(): void;
}

/** How long a slice may take; then everything else has its turn. */
const SLICE_MS = 2;
/** And how many steps: a clock that stands still while a program runs ends no slice. */
const SLICE_STEPS = 64;

/** No work yet. @param restMs between two slices at least: what has time leaves most of it to others */
export function createSlices(clock: Clock, restMs = 0): Slices {
  const steps = createFifo<Step>();
  const urgent = createFifo<Step>();
  let began = -Infinity;
  let ended = -Infinity;
  let working = false;
  let cancel: (() => void) | null = null;

  const hasMore = (): boolean => steps.length + urgent.length > 0;

  function work(): void {
    working = true;
    const now = clock.monotonic();
    if (now - ended > SAME_TURN_MS) began = now;
    let left = SLICE_STEPS;
    try {
      while (hasMore() && left-- > 0 && clock.monotonic() - began < SLICE_MS) {
        const queue = urgent.length > 0 ? urgent : steps;
        const step = queue.shift() as Step;
        if (step()) queue.push(step);
      }
    } finally {
      working = false;
      ended = clock.monotonic();
      if (hasMore())
        cancel ??= clock.after(restMs, () => {
          cancel = null;
          began = clock.monotonic();
          work();
        });
    }
  }

  return {
    run(step, isUrgent = false) {
      (isUrgent ? urgent : steps).push(step);
      if (!working && cancel === null) work();
    },
    close() {
      cancel?.();
      cancel = null;
      steps.clear();
      urgent.clear();
    },
  };
}
