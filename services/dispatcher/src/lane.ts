import {
  createConcurrencyLimit,
  createRateLimit,
  type ConcurrencyLimit,
  type LaneOrder,
  type RateLimit,
} from '@postrider/core';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { createFifo } from './fifo.ts';
import { createLaneRows, type LaneRows } from './lane-rows.ts';
import type { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import type { Fifo } from './fifo.ts';
import type { Work } from './work.ts';

/**
 * Whether a lane may start anything.
 * - `open`: yes;
 * - `config`: the config view has not reached the revision that its deliveries were routed with;
 * - `way-out`: nothing can leave from the endpoint's egress pool now, or a name that it needs cannot be resolved;
 * - `disabled`: the endpoint is disabled and keeps what is pending;
 * - `paused`: a person has paused it, its tenant, its egress pool or everything;
 * - `cancel`: endpoint or tenant are gone, or disabled without keeping: everything ends cancelled.
 *
 * Any state may follow any other; only `lanes.ts` moves it.
 */
export type LaneGate =
  | { readonly kind: 'open' | 'config' | 'way-out' | 'paused' | 'disabled' }
  | { readonly kind: 'cancel'; readonly reason: CancelReason };

/** Why first attempts are put while the gate stands so, however much room there is; null: they are not. */
export function keptFor({ kind }: LaneGate): WaitReason | null {
  if (kind === 'disabled') return WaitReason.DISABLED;
  return kind === 'paused' ? WaitReason.PAUSED : null;
}

/** Who owns a lane: says whether it may start anything at all, and starts. */
export interface LaneOwner {
  mayStart(): boolean;
  /** Starts this delivery. False: it ended or waits without a request. */
  start(work: Work): boolean;
  /** The lane's oldest row that is due, which does not wait any more. */
  takeDue(lane: Lane): Work | undefined;
}

/**
 * The queue of one endpoint inside its owner. Where order is asked for, only a delivery whose turn it is stands among
 * `arrivals` or due rows: the lanes of ordering keys share all else that belongs to their endpoint.
 */
export interface Lane {
  readonly owner: LaneOwner;
  readonly endpointId: string;
  readonly tenant: string;
  gate: LaneGate;
  /** The newest endpoint revision that a delivery of this lane was routed with. */
  revision: string;
  /** Since when the config view has not reached it (ms, monotonic); null: it has. */
  aheadSince: number | null;
  /** When the first delivery that was routed by `revision` was seen, monotonic ms. */
  revisionAt: number;
  /** Requests in flight at most. */
  readonly concurrency: ConcurrencyLimit;
  inFlight: number;
  bytesInFlight: number;
  /** Nothing starts before this (ms, monotonic): the endpoint asked for a pause. */
  heldUntil: number;
  rate: RateLimit | null;
  /** A name that its requests need was not answered when no name was: it waits for name servers. */
  waitsForNames: boolean;
  /** Host that its requests go to; empty: not known, or none may go there. */
  host: string;
  /** Turns at its destination that it has and has not used, and until when they hold (ms, monotonic). */
  turns: number;
  turnsUntil: number;
  /** It waits for a turn at its destination. */
  awaitsTurn: boolean;
  /** Stands in the scheduler's rotation. */
  rotating: boolean;
  readonly rows: LaneRows;
  /** First attempts, in the order of reading. */
  readonly arrivals: Fifo<Work>;
  /** How many of them are no stale entries. */
  queuedArrivals: number;
  /** Bytes of the first attempts that are queued or held. */
  queuedBytes: number;
  /** None of the first attempts that are queued expires before this. */
  arrivalsExpireAt: number;
  /** First attempts whose turn has not come, in the order of reading. */
  readonly held: Set<Work>;
  /** First attempts that have no row and have not ended. */
  firsts: number;
  /** What of the lane stands in order; null: nothing. */
  order: LaneOrder | null;
  /** What stands behind an ordered delivery that is given up waits for a person. */
  stops: boolean;
  /** Wakes the lane when it is held. */
  cancelWake: (() => void) | null;
}

/** Entries of the queue that may be stale before it is looked through; then no more than there are others. */
const STALE_ENTRIES_MAX = 16;

/** An empty lane that waits for its configuration. `concurrencyStart`: how many requests it may have in flight at first. */
export function createLane(owner: LaneOwner, endpointId: string, tenant: string, concurrencyStart?: number): Lane {
  return {
    owner,
    endpointId,
    tenant,
    gate: { kind: 'config' },
    revision: '',
    aheadSince: null,
    revisionAt: -Infinity,
    concurrency: createConcurrencyLimit(1, concurrencyStart),
    inFlight: 0,
    bytesInFlight: 0,
    heldUntil: -Infinity,
    rate: null,
    waitsForNames: false,
    host: '',
    turns: 0,
    turnsUntil: -Infinity,
    awaitsTurn: false,
    rotating: false,
    rows: createLaneRows(),
    arrivals: createFifo(),
    queuedArrivals: 0,
    queuedBytes: 0,
    arrivalsExpireAt: Infinity,
    held: new Set(),
    firsts: 0,
    order: null,
    stops: false,
    cancelWake: null,
  };
}

/** Keeps the lane's rate limit in step with the endpoint's; 0: none. What was used of an unchanged limit stays used. */
export function setRate(lane: Lane, count: number, periodMs: number): void {
  if (count === 0) lane.rate = null;
  else if (lane.rate?.count !== count || lane.rate.periodMs !== periodMs) lane.rate = createRateLimit(count, periodMs);
}

/** Puts a first attempt into the lane's queue, or holds it until it is its turn. */
export function enqueue(lane: Lane, work: Work, queue: 'arrivals' | 'held'): void {
  work.queuedIn = queue;
  lane.queuedBytes += work.bytes;
  if (queue === 'held') return void lane.held.add(work);
  lane.arrivals.push(work);
  lane.queuedArrivals += 1;
  lane.arrivalsExpireAt = Math.min(lane.arrivalsExpireAt, work.expiresAt);
}

/** Takes a first attempt out of wherever it stands; an entry of the queue becomes stale. */
export function unqueue(lane: Lane, work: Work): void {
  const { queuedIn } = work;
  if (queuedIn === null) return;
  leaveQueue(lane, work);
  if (queuedIn === 'arrivals') dropStale(lane);
}

function leaveQueue(lane: Lane, work: Work): void {
  lane.queuedBytes -= work.bytes;
  if (work.queuedIn === 'arrivals') lane.queuedArrivals -= 1;
  else lane.held.delete(work);
  work.queuedIn = null;
}

/** A lane that starts no first attempt for long passes no stale entry, and each holds the bytes of what was put. */
function dropStale({ arrivals, queuedArrivals }: Lane): void {
  if (arrivals.length <= 2 * queuedArrivals + STALE_ENTRIES_MAX) return;
  // What was queued anew has an entry for each time.
  const queued = new Set<Work>();
  for (let work = arrivals.shift(); work !== undefined; work = arrivals.shift())
    if (work.queuedIn === 'arrivals') queued.add(work);
  for (const work of queued) arrivals.push(work);
}

/** The delivery that starts next, taken out of where it waits: due rows before first attempts. */
export function takeNext(lane: Lane): Work | undefined {
  return queuedDue(lane) > 0 ? lane.owner.takeDue(lane) : takeArrival(lane);
}

/** How many rows of the lane are due. */
function queuedDue(lane: Lane): number {
  return lane.rows.ready?.size ?? 0;
}

/** The oldest first attempt, taken out of the queue. */
export function takeArrival(lane: Lane): Work | undefined {
  for (let work = lane.arrivals.shift(); work !== undefined; work = lane.arrivals.shift()) {
    if (work.queuedIn !== 'arrivals') continue;
    leaveQueue(lane, work);
    return work;
  }
  return undefined;
}

/** When the lane may start something as far as time alone is concerned (ms, monotonic). */
export function openAt(lane: Lane): number {
  return lane.rate === null ? lane.heldUntil : Math.max(lane.heldUntil, lane.rate.openAt);
}

/** Whether the lane, as far as it depends on itself, may start one more (`now`: ms, monotonic). */
export function mayStart(lane: Lane, now: number): boolean {
  const mayMore = lane.gate.kind === 'open' && lane.inFlight < lane.concurrency.value && !lane.awaitsTurn;
  return mayMore && openAt(lane) <= now;
}

/**
 * Whether nothing would be lost with the lane: no delivery, no place in order that the next must wait for, no pause that was
 * asked for, no share of its rate that is used, nothing that was learnt of how much its endpoint takes at once.
 */
export function isForgettable(lane: Lane, now: number): boolean {
  const rests = lane.inFlight === 0 && !lane.rotating && lane.cancelWake === null && lane.heldUntil <= now;
  const empty = lane.firsts === 0 && lane.rows.held === 0 && lane.order === null;
  return empty && rests && Math.max(lane.rate?.restedAt ?? now, lane.concurrency.restedAt) <= now;
}

/** How many of the lane nothing keeps from starting but time, or its destination. */
export function startable(lane: Lane): number {
  if (lane.gate.kind !== 'open') return 0;
  return Math.min(lane.concurrency.value - lane.inFlight, queuedDue(lane) + lane.queuedArrivals);
}

/** Whether there is any. */
export function hasWork(lane: Lane): boolean {
  return startable(lane) > 0;
}
