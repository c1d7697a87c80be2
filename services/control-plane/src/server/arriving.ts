/** Requests that are on their way: their calls have begun, and they have not come to their ends. */
export interface Arriving {
  /** Notes one of this sender; `end` ends its call. What comes back is to be called when it has arrived, or its call is over. */
  add(sender: string, end: () => void): () => void;
}

/**
 * So many at once at most. Each may hold a whole message in memory, and its sender decides when it is complete; so beyond
 * that the one ends that whoever has most of them on the way has begun first. One that is sent at once has long arrived by then.
 */
export function createArriving(most: number): Arriving {
  const bySender = new Map<string, Set<() => void>>();
  let count = 0;

  function remove(sender: string, end: () => void): void {
    const own = bySender.get(sender);
    if (own === undefined || !own.delete(end)) return;
    count -= 1;
    if (own.size === 0) bySender.delete(sender);
  }

  function makeRoom(): void {
    const [first, ...others] = bySender;
    if (first === undefined) return;
    const [sender, own] = others.reduce((largest, one) => (one[1].size > largest[1].size ? one : largest), first);
    const [oldest] = own;
    if (oldest === undefined) return;
    remove(sender, oldest);
    oldest();
  }

  return {
    add(sender, end) {
      const own = bySender.get(sender) ?? new Set();
      bySender.set(sender, own.add(end));
      count += 1;
      if (count > most) makeRoom();
      return () => remove(sender, end);
    },
  };
}
