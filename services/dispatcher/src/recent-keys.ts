/** Keys of deliveries that were read or ended a short while ago, so that a router's repeat is known (design rules 6, 15). */
export interface RecentKeys {
  add(key: string): void;
  has(key: string): boolean;
  readonly size: number;
}

export interface RecentKeysBounds {
  readonly keysMax: number;
  /** So many are kept however old they are: an owner whose reading stood still meets a repeat late. */
  readonly keysMin: number;
  readonly ageMs: number;
}

/** Keeps at most `keysMax` keys, each for `ageMs` at least while there is room. `now` is monotonic. */
export function createRecentKeys(now: () => number, { keysMax, keysMin, ageMs }: RecentKeysBounds): RecentKeys {
  // A Map keeps its keys in the order of insertion: the oldest stand in front.
  const addedAt = new Map<string, number>();
  return {
    add(key) {
      const time = now();
      addedAt.delete(key);
      addedAt.set(key, time);
      // Two at a time are enough to shrink while one is added.
      let left = 2;
      for (const [oldest, since] of addedAt) {
        const isKept = addedAt.size <= keysMin || (addedAt.size <= keysMax && time - since <= ageMs);
        if (left-- === 0 || isKept) break;
        addedAt.delete(oldest);
      }
    },
    has: (key) => addedAt.has(key),
    get size() {
      return addedAt.size;
    },
  };
}
