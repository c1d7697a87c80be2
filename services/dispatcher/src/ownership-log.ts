import { NO_EPOCH, createOwnershipFold, type Ownership, type OwnershipNews } from '@postrider/core';
import type { Batch } from '@postrider/kafka';

/** One partition of `ownership` as far as it was read. */
export interface OwnershipLog {
  readonly state: Ownership;
  /** The offset that reading goes on from. */
  readonly position: number;
  /** When the last usable progress that was read landed (the broker's time, ms since the Unix epoch); null: none was read. */
  readonly progressAt: number | null;
  /** When the last claim landed that followed a reign without a release (the broker's time); null: none was read. */
  readonly crashSeenAt: number | null;
  /** Adds what was read; `onNews` hears of each record. */
  read(batch: Batch, onNews: (news: OwnershipNews) => void): void;
}

/** A log of which nothing has been read; reading begins at `start`. */
export function createOwnershipLog(start: number): OwnershipLog {
  const fold = createOwnershipFold();
  let position = start;
  let progressAt: number | null = null;
  let crashSeenAt: number | null = null;
  return {
    state: fold,
    get position() {
      return position;
    },
    get progressAt() {
      return progressAt;
    },
    get crashSeenAt() {
      return crashSeenAt;
    },
    read(batch, onNews) {
      for (const record of batch.records) {
        // A seek may have brought some of them twice.
        if (record.offset < position) continue;
        const isOpen = fold.epoch !== NO_EPOCH && !fold.released;
        const news = fold.apply(record);
        if (news.kind === 'progress') progressAt = record.timestamp;
        if (news.kind === 'claim' && news.valid && isOpen) crashSeenAt = record.timestamp;
        onNews(news);
      }
      position = Math.max(position, batch.nextOffset);
    },
  };
}
