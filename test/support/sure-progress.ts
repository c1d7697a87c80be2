/** A progress record as it landed; the broker's time, in milliseconds since the Unix epoch. */
export interface ProgressSeen {
  readonly at: number;
  readonly epoch: number;
  /** Within the reign, from 1. */
  readonly number: number;
}

/** The progress records of one partition, and what they surely cover. */
export interface SureProgress {
  readonly seen: readonly ProgressSeen[];
  /** In the order of the log. A record that was sent twice counts once. */
  add(progress: ProgressSeen): void;
  /**
   * What had finished by then (ms since the Unix epoch) is surely in the progress of an owner that takes over at `at`. A
   * record is composed after the one before it was acknowledged, so what finished before that is in it; the first record of
   * a reign only repeats what its owner adopted.
   */
  coveredAt(at: number): number;
}

/** A log that has seen nothing yet: nothing is covered. */
export function createSureProgress(): SureProgress {
  const seen: (ProgressSeen & { readonly covers: number })[] = [];
  return {
    seen,
    add({ at, epoch, number }) {
      if (seen.some((other) => other.epoch === epoch && other.number === number)) return;
      const before = seen.at(-1);
      const covers = number === 1 ? before?.covers : before?.at;
      seen.push({ at, epoch, number, covers: covers ?? 0 });
    },
    coveredAt: (at) => seen.findLast((progress) => progress.at <= at)?.covers ?? 0,
  };
}
