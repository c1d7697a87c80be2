import type { Slices } from './slices.ts';

/** Goes through many things in slices. */
export interface Sweep<T> {
  /** Through all of them, unless it is still on its way through others. */
  run(items: Iterable<T>): void;
}

/** What is done on the way. */
export interface SweepOptions<T> {
  readonly slices: Slices;
  /** Items of one step: a slice ends so much later than its time at most. */
  readonly perStep: number;
  /** As `Slices.run`. */
  readonly isUrgent?: boolean;
  /** Asked before each; false: the rest is left alone. */
  mayGoOn(): boolean;
  act(item: T): void;
}

/** On its way through nothing. */
export function createSweep<T>({ slices, perStep, isUrgent, mayGoOn, act }: SweepOptions<T>): Sweep<T> {
  let rest: Iterator<T> | null = null;

  function step(): boolean {
    const items = rest;
    // A step that throws is the last.
    rest = null;
    for (let left = perStep; left > 0; left -= 1) {
      const next = mayGoOn() ? items?.next() : undefined;
      if (next === undefined || next.done === true) return false;
      act(next.value);
    }
    rest = items;
    return true;
  }

  return {
    run(items) {
      if (rest !== null) return;
      rest = items[Symbol.iterator]();
      slices.run(step, isUrgent);
    },
  };
}
