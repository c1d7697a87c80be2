import { whyWaiting, type Clock } from '@postrider/core';
import { mayStart, type Lane } from '../lane.ts';
import { breakerWord, laneStand } from './lane-stand.ts';
import type { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import type { PartitionOwner } from '../partition-owner.ts';
import type { RowIndex } from '../row-index.ts';

/** What all lanes of a process together look like. */
export interface LaneSurvey {
  /** Since when the oldest delivery waits that nothing but our own capacity keeps, by kind of work (ms since the Unix epoch). */
  readonly oldest: Readonly<Record<'live' | 'retry' | 'bulk', number>>;
  /** Lanes by their gates; `failing` where the gate is open and the breaker is not closed. */
  readonly lanes: ReadonlyMap<Lane['gate']['kind'] | 'failing', number>;
  /** Rows that wait, by what keeps them now. */
  readonly waiting: ReadonlyMap<WaitReason, number>;
}

/** Asked several times in a row, it looks once. */
const KEPT_MS = 1_000;

/** A survey that is made when it is asked for: one look at each lane, and none at a row. */
export function createLaneSurvey(owners: () => ReadonlyMap<number, PartitionOwner>, clock: Clock): () => LaneSurvey {
  let made: LaneSurvey | null = null;
  let madeAt = -Infinity;
  return () => {
    const now = clock.monotonic();
    if (made === null || now - madeAt >= KEPT_MS) {
      made = survey(owners(), clock);
      madeAt = now;
    }
    return made;
  };
}

function survey(owners: ReadonlyMap<number, PartitionOwner>, clock: Clock): LaneSurvey {
  const oldest = { live: Infinity, retry: Infinity, bulk: Infinity };
  const lanes = new Map<Lane['gate']['kind'] | 'failing', number>();
  const waiting = new Map<WaitReason, number>();
  for (const { serving } of owners.values()) {
    const parts = serving?.parts;
    if (parts === undefined || parts === null) continue;
    for (const lane of parts.lanes.all()) {
      const failing = lane.gate.kind === 'open' && breakerWord(lane, clock) !== 'closed';
      count(lanes, failing ? 'failing' : lane.gate.kind, 1);
      countRows(waiting, lane, clock);
      if (mayStart(lane, clock.monotonic())) seeOldest(oldest, lane, parts.table.rows);
    }
  }
  return { oldest, lanes, waiting };
}

function countRows(waiting: Map<WaitReason, number>, lane: Lane, clock: Clock): void {
  const { rows } = lane;
  if (rows.waiting === 0) return;
  const stand = laneStand(lane, clock);
  const now = clock.now();
  const due = rows.ready?.size ?? 0;
  const later = rows.waiting - due - rows.behind;
  if (due > 0) count(waiting, whyWaiting({ dueAt: 0, keptByOrder: false }, stand, now), due);
  if (rows.behind > 0) count(waiting, whyWaiting({ dueAt: 0, keptByOrder: true }, stand, now), rows.behind);
  if (later > 0) count(waiting, whyWaiting({ dueAt: Infinity, keptByOrder: false }, stand, now), later);
}

function seeOldest(oldest: { live: number; retry: number; bulk: number }, lane: Lane, rows: RowIndex): void {
  const row = lane.rows.ready?.top ?? 0;
  // What is due at once was put for another reason than time: nobody knows since when it could start.
  if (row !== 0) oldest.retry = Math.min(oldest.retry, rows.dueAt.get(row) || Infinity);
  const live = lane.arrivals.entries.peek();
  if (live?.queuedIn === 'arrivals') oldest.live = Math.min(oldest.live, live.readyAt);
  const bulk = lane.bulk?.entries.peek();
  if (bulk?.queuedIn === 'bulk') oldest.bulk = Math.min(oldest.bulk, bulk.readyAt);
}

function count<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
