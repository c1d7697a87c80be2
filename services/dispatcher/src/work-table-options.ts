import type { Clock, DeliveryChanges, Tier } from '@postrider/core';
import type { ByteMeter } from './byte-meter.ts';
import type { Endings } from './endings.ts';
import type { IntakeEnds, IntakeLedger } from './intake-ledger.ts';
import type { Lane } from './lane.ts';
import type { Ordering } from './ordering.ts';
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

/** How a delivery ends, as far as order cares: what was not delivered could still succeed if a crash brought it back. */
export type Ending = 'delivered' | 'undelivered';

/** What the table needs of its reign. */
export interface WorkTableOptions {
  readonly reign: Reign;
  readonly clock: Clock;
  readonly slices: Slices;
  readonly scheduler: Scheduler;
  readonly unsettled: Unsettled;
  readonly meter: ByteMeter;
  /** Of those from `deliveries.bulk` alone, which are part of the other. */
  readonly bulkMeter: ByteMeter;
  readonly book: TierBook;
  readonly ledger: IntakeLedger;
  readonly ordering: Ordering;
  readonly rows: RowIndex;
  /** Bytes by row id. */
  readonly store: WaitingStore;
  readonly recent: RecentKeys;
  readonly writeResult: WriteResult;
  /** Ends of the two topics of intake when the partition was taken over: what stands below is older than the claim. */
  readonly ends: IntakeEnds;
  /** How an idle delivery ends without a request. */
  readonly endings: Pick<Endings, 'expire' | 'tooLarge' | 'cancel' | 'giveUp'>;
  /** Calls back once a progress record is acknowledged that says what is done now. */
  readonly afterProgress: (callback: () => void) => void;
  /** A row has begun to wait in a lane that keeps nothing. */
  readonly followGate: (lane: Lane) => void;
  /** A row was loaded whose header cannot be read. */
  readonly unreadable: (work: Work) => void;
}
