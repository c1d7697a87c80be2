import { setImmediate } from 'node:timers/promises';
import { every, type Clock } from '@postrider/core';

/** Endpoints that are decoded in one turn of the event loop: a few milliseconds. */
const AT_ONCE = 500;

/** Goes through very many, and lets everything else have its turn now and then; until `isOver`. The first ones are visited at once. */
export async function goThrough<T>(all: Iterable<T>, visit: (one: T) => void, isOver: () => boolean): Promise<void> {
  let visited = 0;
  for (const one of all) {
    if (isOver()) return;
    visit(one);
    if (++visited % AT_ONCE === 0) await setImmediate();
  }
}

/** One time through all: what is seen on the way, and what is done when nothing is left. */
export interface Round<T> {
  visit(one: T): void;
  end(): void;
}

export interface GoAgainOptions<T> {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly all: () => Iterable<T>;
  readonly begin: () => Round<T>;
}

/** Goes through all of them now and again and again, one round at a time, until disposed; what has not ended by then does not. */
export function goThroughAgain<T>({ clock, everyMs, all, begin }: GoAgainOptions<T>): Disposable {
  let isUnderWay = false;
  let isOver = false;

  async function go(): Promise<void> {
    if (isUnderWay) return;
    isUnderWay = true;
    const round = begin();
    await goThrough(
      all(),
      (one) => round.visit(one),
      () => isOver,
    );
    isUnderWay = false;
    if (!isOver) round.end();
  }

  void go();
  const stop = every(clock, everyMs, () => void go());
  return {
    [Symbol.dispose]() {
      isOver = true;
      stop();
    },
  };
}
