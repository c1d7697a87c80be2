/**
 * What is done of one source partition: events are taken in offset order, end in any order, and the position only passes
 * what has ended. The position is what may be committed.
 */
export interface SourceProgress {
  /** The offset that a restart would read from: everything below it has ended. */
  readonly position: number;
  /** Events taken that have not ended. */
  readonly open: number;
  /** Takes the event at `offset`; offsets only grow. Returns what ends it. */
  take(offset: number): () => void;
  /** Reading has come to `nextOffset`: offsets below it that were never taken are gaps, and done. */
  passed(nextOffset: number): void;
}

/** Progress of a partition that is read from `start` on. */
export function createSourceProgress(start: number): SourceProgress {
  const taken: { readonly offset: number; ended: boolean }[] = [];
  let first = 0;
  let next = start;
  const compactAt = 1_024;
  const skipEnded = () => {
    while (first < taken.length && taken[first]?.ended === true) first += 1;
    if (first < compactAt) return;
    taken.splice(0, first);
    first = 0;
  };
  return {
    get position() {
      return taken[first]?.offset ?? next;
    },
    get open() {
      return taken.length - first;
    },
    take(offset) {
      const entry = { offset, ended: false };
      taken.push(entry);
      next = Math.max(next, offset + 1);
      return () => {
        entry.ended = true;
        skipEnded();
      };
    },
    passed(nextOffset) {
      next = Math.max(next, nextOffset);
    },
  };
}
