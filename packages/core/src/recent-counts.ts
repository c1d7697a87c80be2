/** Counts of what happened in the last while, in a few buckets: what is older than the period does not count any more. */
export interface RecentCounts {
  /** One more of this kind, at `now` (ms, of one clock which never goes back). */
  add(kind: number, now: number): void;
  /** How many of this kind there were. */
  of(kind: number, now: number): number;
  /** From when on the oldest of this kind that counts now does not any more; `now` if none counts. */
  lessAt(kind: number, now: number): number;
  clear(): void;
}

const BUCKETS = 6;

/** Nothing has happened yet. `kinds`: how many kinds are counted, from 0 on; what happened counts for 5/6 of the period at least. */
export function createRecentCounts(kinds: number, periodMs: number): RecentCounts {
  const bucketMs = periodMs / BUCKETS;
  const counts = new Uint32Array(kinds * BUCKETS);
  let newest = 0;

  /** Empties the buckets that the time has passed. */
  function pass(now: number): void {
    const bucket = Math.floor(now / bucketMs);
    if (bucket <= newest) return;
    const passed = Math.min(BUCKETS, bucket - newest);
    for (let i = 0; i < passed; i += 1) {
      const at = ((bucket - i) % BUCKETS) * kinds;
      counts.fill(0, at, at + kinds);
    }
    newest = bucket;
  }

  const countOf = (kind: number, bucket: number): number => counts[(bucket % BUCKETS) * kinds + kind] ?? 0;

  return {
    add(kind, now) {
      pass(now);
      const at = (newest % BUCKETS) * kinds + kind;
      counts[at] = (counts[at] ?? 0) + 1;
    },
    of(kind, now) {
      pass(now);
      let sum = 0;
      for (let i = 0; i < BUCKETS; i += 1) sum += counts[i * kinds + kind] ?? 0;
      return sum;
    },
    lessAt(kind, now) {
      pass(now);
      for (let bucket = newest - BUCKETS + 1; bucket <= newest; bucket += 1) {
        // Before the first period is over there are no buckets below 0.
        if (bucket >= 0 && countOf(kind, bucket) > 0) return (bucket + BUCKETS) * bucketMs;
      }
      return now;
    },
    clear: () => void counts.fill(0),
  };
}
