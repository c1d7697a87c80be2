/** The newest `limit` of many entries, in bounded memory. */
export interface Newest<T> {
  add(entry: T): void;
  /** The newest, oldest first. */
  list(): T[];
}

/** `timeOf` in any unit that grows. */
export function createNewest<T>(limit: number, timeOf: (entry: T) => number): Newest<T> {
  let entries: T[] = [];
  const list = () => entries.toSorted((a, b) => timeOf(a) - timeOf(b)).slice(-limit);
  return {
    add(entry) {
      entries.push(entry);
      // Sorted only now and then: a topic may be long, and its partitions are read one after the other.
      if (entries.length > limit * 4) entries = list();
    },
    list,
  };
}
