import {
  createAnswering,
  createConcurrencyLimit,
  createRateLimit,
  limits,
  type Answering,
  type Breaker,
  type ConcurrencyLimit,
  type LaneOrder,
  type RateLimit,
  type WorkKind,
} from '@postrider/core';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { createArrivalQueue, dropStale, shiftArrival, type ArrivalQueue, type QueuedTopic } from './arrival-queue.ts';
import { createLaneRows, type LaneRows } from './lane-rows.ts';
import type { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import type { Work } from './work.ts';

/**
 * Whether a lane may start anything.
 * - `open`: yes;
 * - `config`: the config view has not reached the revision that its deliveries were routed with;
 * - `way-out`: nothing can leave from the endpoint's egress pool now, a name that it needs cannot be resolved, or its tenant's
 *   data key cannot be opened, so that nothing could be signed;
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
  /** Starts this delivery as work of this kind. False: it ended or waits without a request. */
  start(work: Work, kind: WorkKind): boolean;
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
  /** Since when there has been one without a rest of `crowdedQuietMs`, and when the last ended (ms, monotonic). */
  fliesSince: number;
  landedAt: number;
  /** The same by what each was started as. */
  readonly inFlightAs: Record<WorkKind, number>;
  bytesInFlight: number;
  /** Whether its endpoint answers, as far as is known. */
  readonly answering: Answering;
  /** The same of the host that its requests go to, which other lanes may share. */
  hostAnswering: Answering;
  /** Null: the endpoint has not failed lately. */
  breaker: Breaker | null;
  /** The configuration by which the endpoint fails, of which it was told that it works all the same. */
  toldToWork: object | null;
  /** When an answer last told that the endpoint works (ms, monotonic). */
  workedAt: number;
  /** The revision of the endpoint that the lane was judged by last; empty: none. */
  judgedBy: string;
  /** Nothing starts before this (ms, monotonic): the endpoint asked for a pause. */
  heldUntil: number;
  rate: RateLimit | null;
  /** A name that its requests need was not answered when no name was: it waits for name servers. */
  waitsForNames: boolean;
  /** Its tenant's data key cannot be opened now. */
  waitsForKey: boolean;
  /** Host that its requests go to; empty: not known, or none may go there. */
  host: string;
  /** Turns at its destination that it has and has not used, and until when they hold (ms, monotonic). */
  turns: number;
  turnsUntil: number;
  /** It waits for a turn at its destination. */
  awaitsTurn: boolean;
  /** What it stands in the scheduler's rotation for. */
  rotating: WorkKind | null;
  /** Since when (ms, monotonic). */
  rotatesSince: number;
  /** Turns that it lets pass for what it has started. */
  owes: number;
  /** Starts since one from `deliveries.bulk`, while one of these was queued. */
  sinceBulk: number;
  readonly rows: LaneRows;
  /** First attempts from `deliveries`. */
  readonly arrivals: ArrivalQueue;
  /** And from `deliveries.bulk`; null: there never was one. */
  bulk: ArrivalQueue | null;
  /** How many first attempts are queued. */
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

/** What the work from `deliveries.bulk` has of a lane that has other work too: one start of so many. */
const BULK_TURN = Math.round(1 / limits.bulkShareFraction);

/** What a lane begins with. */
export interface LaneStart {
  /** What was known of its endpoint. */
  readonly answering?: Answering;
  /** Requests that it may have in flight at first. */
  readonly concurrency?: number | undefined;
}

/** An empty lane that waits for its configuration. */
export function createLane(owner: LaneOwner, endpointId: string, tenant: string, start: LaneStart = {}): Lane {
  const answering = start.answering ?? createAnswering();
  return {
    owner,
    endpointId,
    tenant,
    gate: { kind: 'config' },
    revision: '',
    aheadSince: null,
    revisionAt: -Infinity,
    concurrency: createConcurrencyLimit(1, start.concurrency),
    inFlight: 0,
    fliesSince: -Infinity,
    landedAt: -Infinity,
    inFlightAs: { live: 0, retry: 0, bulk: 0, unknown: 0, unanswered: 0 },
    bytesInFlight: 0,
    answering,
    hostAnswering: answering,
    breaker: null,
    toldToWork: null,
    workedAt: -Infinity,
    judgedBy: '',
    heldUntil: -Infinity,
    rate: null,
    waitsForNames: false,
    waitsForKey: false,
    host: '',
    turns: 0,
    turnsUntil: -Infinity,
    awaitsTurn: false,
    rotating: null,
    rotatesSince: -Infinity,
    owes: 0,
    sinceBulk: 0,
    rows: createLaneRows(),
    arrivals: createArrivalQueue('arrivals'),
    bulk: null,
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
  lane.queuedBytes += work.bytes;
  if (queue === 'held') {
    work.queuedIn = 'held';
    return void lane.held.add(work);
  }
  const { topic, entries } = work.origin.bulk ? (lane.bulk ??= createArrivalQueue('bulk')) : lane.arrivals;
  work.queuedIn = topic;
  entries.push(work);
  queueOf(lane, topic).count += 1;
  lane.queuedArrivals += 1;
  lane.arrivalsExpireAt = Math.min(lane.arrivalsExpireAt, work.expiresAt);
}

/** Takes a first attempt out of wherever it stands; an entry of the queue becomes stale. */
export function unqueue(lane: Lane, work: Work): void {
  const { queuedIn } = work;
  if (queuedIn === null) return;
  leaveQueue(lane, work);
  if (queuedIn !== 'held') dropStale(queueOf(lane, queuedIn));
}

function leaveQueue(lane: Lane, work: Work): void {
  const { queuedIn } = work;
  lane.queuedBytes -= work.bytes;
  work.queuedIn = null;
  if (queuedIn === 'held') return void lane.held.delete(work);
  lane.queuedArrivals -= 1;
  queueOf(lane, queuedIn as QueuedTopic).count -= 1;
}

function queueOf(lane: Lane, topic: QueuedTopic): ArrivalQueue {
  return topic === 'bulk' ? (lane.bulk as ArrivalQueue) : lane.arrivals;
}

/** What a lane starts. */
export type LaneWork = Exclude<WorkKind, 'unknown' | 'unanswered'>;

/**
 * What goes first in the lane: due rows, unless its breaker says otherwise and there is something else, then first attempts, then
 * those from `deliveries.bulk`; null: there is nothing (`now`: ms, monotonic).
 */
export function firstKind(lane: Lane, now: number): LaneWork | null {
  const { breaker } = lane;
  const mayRetry = breaker === null || (breaker.retriesFrom <= now && !breaker.firstAsks);
  if (queuedDue(lane) > 0 && (mayRetry || lane.queuedArrivals === 0)) return 'retry';
  if (lane.arrivals.count > 0) return 'live';
  return lane.bulk !== null && lane.bulk.count > 0 ? 'bulk' : null;
}

/**
 * What the lane's work counts as while its endpoint is not known to answer; null: it is known to, and its work counts as what
 * it is. First attempts may be the first that is heard of an endpoint; what has waited, and bulk work, come after them
 * (`now`: ms, monotonic).
 */
export function unheardKind(
  { answering, hostAnswering, arrivals }: Lane,
  now: number,
): 'unknown' | 'unanswered' | null {
  const says = answering.says(now);
  if (says === 'unanswered' || hostAnswering.isQuiet(now, limits.hostQuietRequests)) return 'unanswered';
  if (says === 'answers') return null;
  return arrivals.count > 0 ? 'unknown' : 'unanswered';
}

/** A request of the lane starts. */
export function askedBy({ answering, hostAnswering }: Lane, now: number): void {
  answering.asked(now);
  if (hostAnswering !== answering) hostAnswering.asked(now);
}

/** Whether it is the turn of the lane's work from `deliveries.bulk`, whatever else there is. */
export function isBulkTurn({ bulk, sinceBulk }: Lane): boolean {
  return bulk !== null && bulk.count > 0 && sinceBulk >= BULK_TURN - 1;
}

/** The delivery that starts next as work of this kind, taken out of where it waits. */
export function takeNext(lane: Lane, kind: LaneWork): Work | undefined {
  lane.sinceBulk = kind === 'bulk' || lane.bulk === null ? 0 : lane.sinceBulk + 1;
  return kind === 'retry'
    ? lane.owner.takeDue(lane)
    : takeFrom(lane, queueOf(lane, kind === 'bulk' ? 'bulk' : 'arrivals'));
}

/** How many rows of the lane are due. */
function queuedDue(lane: Lane): number {
  return lane.rows.ready?.size ?? 0;
}

/** A first attempt, taken out of the queue: the oldest from `deliveries`, then from `deliveries.bulk`. */
export function takeArrival(lane: Lane): Work | undefined {
  return takeFrom(lane, lane.arrivals) ?? takeBulk(lane);
}

/** The oldest first attempt from `deliveries.bulk`, taken out of the queue. */
export function takeBulk(lane: Lane): Work | undefined {
  return lane.bulk === null ? undefined : takeFrom(lane, lane.bulk);
}

function takeFrom(lane: Lane, queue: ArrivalQueue): Work | undefined {
  const work = shiftArrival(queue);
  if (work !== undefined) leaveQueue(lane, work);
  return work;
}

/** When the lane may start something as far as time alone is concerned (ms, monotonic). */
export function openAt(lane: Lane): number {
  const retriesFrom = lane.queuedArrivals > 0 ? -Infinity : (lane.breaker?.retriesFrom ?? -Infinity);
  return Math.max(firstsOpenAt(lane), retriesFrom);
}

/** The same of a first attempt, which no retry budget binds. */
function firstsOpenAt(lane: Lane): number {
  return Math.max(askedFrom(lane), lane.rate?.openAt ?? -Infinity);
}

/** When its endpoint may be asked, as far as it has brought that on itself. */
function askedFrom({ heldUntil, breaker }: Lane): number {
  return Math.max(heldUntil, breaker?.openAt ?? -Infinity);
}

/** Requests that the lane may have in flight. */
function inFlightMax({ breaker, concurrency }: Lane): number {
  return breaker === null || breaker.closed ? concurrency.value : 1;
}

/** Whether the lane, as far as it depends on itself, may start one more (`now`: ms, monotonic). */
export function mayStart(lane: Lane, now: number): boolean {
  return mayStartBy(lane, openAt(lane), now);
}

function mayStartBy(lane: Lane, at: number, now: number): boolean {
  return lane.gate.kind === 'open' && lane.inFlight < inFlightMax(lane) && !lane.awaitsTurn && at <= now;
}

/**
 * No answer can be expected of its endpoint soon: it has been asked without any for a while, or may not be asked, or has stood for
 * as long in the queue of those that keep requests waiting (`now`: ms, monotonic).
 * @param startsNext it is asked for a first attempt that starts as soon as the lane may start anything: then one that may is not quiet
 */
export function isQuiet(lane: Lane, now: number, startsNext: boolean): boolean {
  const isUnheard = lane.rotating === 'unanswered';
  if (startsNext && !isUnheard && mayStartBy(lane, firstsOpenAt(lane), now)) return false;
  const turnMs = isUnheard ? now - lane.rotatesSince : 0;
  const unansweredMs = lane.inFlight === 0 ? 0 : Math.min(lane.answering.quietMs(now), now - lane.fliesSince);
  return Math.max(turnMs, unansweredMs, askedFrom(lane) - now) >= limits.crowdedQuietMs;
}

/**
 * Whether nothing would be lost with the lane: no delivery, no place in order that the next must wait for, no pause that was
 * asked for, no share of its rate that is used, nothing that was learnt of how much its endpoint takes at once, and of how it
 * failed.
 */
export function isForgettable(lane: Lane, now: number): boolean {
  const rests = lane.inFlight === 0 && lane.rotating === null && lane.cancelWake === null && lane.heldUntil <= now;
  const empty = lane.firsts === 0 && lane.rows.held === 0 && lane.order === null;
  return empty && rests && restedAt(lane) <= now;
}

function restedAt({ rate, concurrency, breaker }: Lane): number {
  return Math.max(rate?.restedAt ?? -Infinity, concurrency.restedAt, breaker?.restedAt ?? -Infinity);
}

/** How many of the lane nothing keeps from starting but time, or its destination. */
export function startable(lane: Lane): number {
  if (lane.gate.kind !== 'open') return 0;
  return Math.min(inFlightMax(lane) - lane.inFlight, queuedDue(lane) + lane.queuedArrivals);
}

/** Whether there is any. */
export function hasWork(lane: Lane): boolean {
  return startable(lane) > 0;
}
