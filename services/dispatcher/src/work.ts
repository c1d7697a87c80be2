import type { DeliveryView, Tier } from '@postrider/core';
import type { DueTimer } from './due-timers.ts';
import type { Lane } from './lane.ts';
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
 * | – | idle | its record was read, or its row loaded |
 * | idle | flying | its lane starts a request |
 * | idle | putting | it must wait in a tier, or this epoch must write its row again |
 * | idle | ending | it expired, was cancelled, or cannot be read |
 * | flying | putting | the attempt failed and another is due |
 * | flying | ending | the attempt was the last one |
 * | putting | idle | row and attempt are acknowledged |
 * | ending | (gone) | results and tombstones are acknowledged |
 */
export type WorkState = 'idle' | 'flying' | 'putting' | 'ending';

/** One delivery in one run, from being read to having ended. The only object per delivery; everything points to it. */
export interface Work {
  /** (delivery id, run). */
  readonly key: string;
  /** Null only for what cannot be read. */
  readonly lane: Lane | null;
  /** The header as decoded, and the bytes; null while they are in the store only. */
  view: DeliveryView | null;
  delivery: StoredDelivery | null;
  /** The record that its rows name; done when it ends or is put. */
  origin: IntakeOffset;
  /** Records that are done when it ends or is put by this epoch. */
  open: IntakeOffset[];
  state: WorkState;
  /** Which of its lane's queues it stands in. An entry of the other one is stale. */
  queuedIn: 'arrivals' | 'due' | null;
  /** The tier that holds its newest row, written or being written. */
  tier: Tier | null;
  /** Not started before this time (ms since the Unix epoch); 0: at once. */
  dueAt: number;
  /** It ends by then. */
  expiresAt: number;
  /** Wakes it while it waits. */
  timer: DueTimer | null;
  /** Bytes counted as queued or in flight. */
  bytes: number;
  /** When it was read or fell due (ms since the Unix epoch): what it waits beyond that is our doing. */
  readyAt: number;
}
