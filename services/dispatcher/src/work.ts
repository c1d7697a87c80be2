import type { DeliveryView, OrderPlace, Tier } from '@postrider/core';
import type { QueuedTopic } from './arrival-queue.ts';
import type { Lane } from './lane.ts';
import type { RowIndex } from './row-index.ts';
import type { StoredDelivery } from './waiting-store.ts';

/** A record that was taken in: `bulk` says whether on `deliveries.bulk` or on `deliveries`. */
export interface IntakeOffset {
  readonly bulk: boolean;
  readonly offset: number;
}

/**
 * What is being done with a delivery that has not ended.
 *
 * | from | to | when |
 * |---|---|---|
 * | – | idle | its record was read, or its row is taken out of those that wait |
 * | idle | flying | its lane starts a request |
 * | idle | putting | it must wait in a tier, or this epoch must write its row again |
 * | idle | ending | it expired, was cancelled, or cannot be read |
 * | flying | recording | the attempt failed and another is due: first its record is written |
 * | recording | putting | that record is acknowledged |
 * | flying | ending | the attempt was the last one |
 * | putting | (a row that waits) | the row is acknowledged |
 * | ending | (gone) | results and tombstones are acknowledged |
 */
export type WorkState = 'idle' | 'flying' | 'recording' | 'putting' | 'ending';

/** The place of an ordered delivery. */
export interface WorkOrder extends OrderPlace {
  /** It was given up, and order keeps it in its place. */
  readonly givenUp: boolean;
}

/**
 * One delivery in one run that is being worked on, or is to be as soon as its lane lets it. A row that waits has none: one
 * is made of it when it starts, is put again or ends.
 */
export interface Work {
  /** (delivery id, run). */
  readonly key: string;
  /** Null only for what cannot be read. */
  readonly lane: Lane | null;
  /** The header as decoded; null while nothing has asked, as of what waits. */
  view: DeliveryView | null;
  /** The bytes; null while they are in the store only. */
  delivery: StoredDelivery | null;
  /** The record that its rows name; done when it ends or is put. */
  origin: IntakeOffset;
  /** Records that are done when it ends or is put by this epoch. */
  open: IntakeOffset[];
  state: WorkState;
  /** Its place in the order of its endpoint; null: it stands in none. */
  order: WorkOrder | null;
  /** It stands in its lane's queue of first attempts, or is held there until it is its turn. */
  queuedIn: QueuedTopic | 'held' | null;
  /** Its row in the index; `NO_ROW` when it has none. */
  row: number;
  /** The tier that holds its newest row, written or being written. */
  tier: Tier | null;
  /** Not started before this time (ms since the Unix epoch); 0: at once. */
  dueAt: number;
  /** It ends by then. */
  expiresAt: number;
  /** It stands behind live work of its lane; absent: only if its record is one of `deliveries.bulk`. */
  behindLive?: boolean;
  /** Bytes counted as queued or in flight. */
  bytes: number;
  /** When it was read or fell due (ms since the Unix epoch): what it waits beyond that is our doing. */
  readyAt: number;
}

/** What is worked on when a row does not wait any more. */
export function workOfRow(rows: RowIndex, row: number, readyAt: number): Work {
  return {
    ...rows.factsOf(row),
    ...{ key: rows.keyOf(row), row, tier: rows.tierOf(row), readyAt },
    ...{ view: null, delivery: null, open: [], state: 'idle', queuedIn: null },
  };
}

/**
 * It ends, or waits in its row. What has stood in a queue has been moved to memory that is collected seldom, and lies there
 * for a while when nobody knows it any more. Whatever it still named would be taken for alive, and be moved there as well:
 * all that it was decoded to.
 */
export function letGo(work: Work): void {
  work.view = null;
  work.delivery = null;
}
