import type { Clock, DeliveryChanges, Tier } from '@postrider/core';
import type { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import type { ByteMeter } from './byte-meter.ts';
import type { IntakeLedger } from './intake-ledger.ts';
import type { RecentKeys } from './recent-keys.ts';
import type { Reign } from './reign.ts';
import type { WriteResult } from './result-record.ts';
import type { RowIndex } from './row-index.ts';
import type { Scheduler } from './scheduler.ts';
import type { Slices } from './slices.ts';
import type { TierBook } from './tier-book.ts';
import type { Unsettled } from './unsettled.ts';
import type { WaitingStore } from './waiting-store.ts';
import type { Work } from './work.ts';

/** How a delivery is to wait. */
export interface WaitPlan {
  readonly tier: Tier;
  /** What its header says from now on: reason and due time, and after an attempt its count and how it went. */
  readonly changes: DeliveryChanges & Required<Pick<DeliveryChanges, 'dueAt' | 'waitReason'>>;
}

/** What the table needs of its reign. */
export interface WorkTableOptions {
  readonly reign: Reign;
  readonly clock: Clock;
  readonly slices: Slices;
  readonly scheduler: Scheduler;
  readonly unsettled: Unsettled;
  readonly meter: ByteMeter;
  readonly book: TierBook;
  readonly ledger: IntakeLedger;
  readonly rows: RowIndex;
  /** Bytes by row id. */
  readonly store: WaitingStore;
  readonly recent: RecentKeys;
  readonly writeResult: WriteResult;
  /** Ends of the two topics of intake when the partition was taken over: what stands below is older than the claim. */
  readonly ends: { readonly live: number; readonly bulk: number };
  /** An idle delivery's time is over. */
  readonly expire: (work: Work) => void;
  /** A delivery must wait, and no tier takes a row of its size. */
  readonly tooLarge: (work: Work) => void;
  /** An idle delivery's endpoint is gone. */
  readonly cancel: (work: Work, reason: CancelReason) => void;
  /** A row was loaded whose header cannot be read. */
  readonly unreadable: (work: Work) => void;
}
