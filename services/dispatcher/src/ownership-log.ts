import { createOwnershipFold, type Ownership, type OwnershipNews } from '@postrider/core';
import type { Batch } from '@postrider/kafka';

/** One partition of `ownership` as far as it was read, from its beginning. */
export interface OwnershipLog {
  readonly state: Ownership;
  /** The offset that reading goes on from. */
  readonly position: number;
  /** Adds what was read; `onNews` hears of each record. */
  read(batch: Batch, onNews: (news: OwnershipNews) => void): void;
}

/** A log of which nothing has been read; it begins at `low`. */
export function createOwnershipLog(low: number): OwnershipLog {
  const fold = createOwnershipFold();
  let position = low;
  return {
    state: fold,
    get position() {
      return position;
    },
    read(batch, onNews) {
      for (const record of batch.records) {
        // A seek may have brought some of them twice.
        if (record.offset >= position) onNews(fold.apply(record));
      }
      position = Math.max(position, batch.nextOffset);
    },
  };
}
