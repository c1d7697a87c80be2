import { setImmediate } from 'node:timers/promises';

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
