import { createRateLimit, type RateLimit } from '@postrider/core';
import { createFifo } from './fifo.ts';
import type { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import type { Fifo } from './fifo.ts';
import type { Work } from './work.ts';

/**
 * Whether a lane may start anything.
 * - `open`: yes;
 * - `config`: the config view has not reached the revision that its deliveries were routed with;
 * - `disabled`: the endpoint is disabled and keeps what is pending;
 * - `cancel`: endpoint or tenant are gone, or disabled without keeping: everything ends cancelled.
 *
 * Any state may follow any other; only `lane-gates.ts` moves it.
 */
export type LaneGate =
  | { readonly kind: 'open' | 'config' | 'disabled' }
  | { readonly kind: 'cancel'; readonly reason: CancelReason };

/** Who owns a lane: says whether it may start anything at all, and starts. */
export interface LaneOwner {
  mayStart(): boolean;
  /** Starts this delivery. False: it ended or waits without a request. */
  start(work: Work): boolean;
}

/** The queue of one endpoint inside its owner. */
export interface Lane {
  readonly owner: LaneOwner;
  readonly endpointId: string;
  readonly tenant: string;
  gate: LaneGate;
  /** The newest endpoint revision that a delivery of this lane was routed with. */
  revision: string;
  /** Requests in flight at most. */
  concurrencyMax: number;
  inFlight: number;
  bytesInFlight: number;
  /** Nothing starts before this (ms, monotonic): the endpoint asked for a pause. */
  heldUntil: number;
  rate: RateLimit | null;
  /** Stands in the scheduler's rotation. */
  rotating: boolean;
  /** Rows that are due: the oldest first. */
  readonly due: Work[];
  /** First attempts, in the order of reading. */
  readonly arrivals: Fifo<Work>;
  /** How many of each are no stale entries. */
  queuedDue: number;
  queuedArrivals: number;
  /** Bytes of the first attempts that are queued. */
  queuedBytes: number;
  /** Rows that are not due, or wait for something other than a time. */
  readonly waiting: Set<Work>;
  /** Wakes the lane when it is held. */
  cancelWake: (() => void) | null;
}

/** An empty lane that waits for its configuration. */
export function createLane(owner: LaneOwner, endpointId: string, tenant: string): Lane {
  return {
    owner,
    endpointId,
    tenant,
    gate: { kind: 'config' },
    revision: '',
    concurrencyMax: 1,
    inFlight: 0,
    bytesInFlight: 0,
    heldUntil: -Infinity,
    rate: null,
    rotating: false,
    due: [],
    arrivals: createFifo(),
    queuedDue: 0,
    queuedArrivals: 0,
    queuedBytes: 0,
    waiting: new Set(),
    cancelWake: null,
  };
}

/** Keeps the lane's rate limit in step with the endpoint's; 0: none. What was used of an unchanged limit stays used. */
export function setRate(lane: Lane, count: number, periodMs: number): void {
  if (count === 0) lane.rate = null;
  else if (lane.rate?.count !== count || lane.rate.periodMs !== periodMs) lane.rate = createRateLimit(count, periodMs);
}

/** Puts a delivery that may start into one of the lane's queues. */
export function enqueue(lane: Lane, work: Work, queue: 'arrivals' | 'due'): void {
  work.queuedIn = queue;
  if (queue === 'arrivals') {
    lane.arrivals.push(work);
    lane.queuedArrivals += 1;
    lane.queuedBytes += work.bytes;
  } else {
    pushDue(lane.due, work);
    lane.queuedDue += 1;
  }
}

/** Takes a delivery out of whatever queue it stands in; its entry becomes stale. */
export function unqueue(lane: Lane, work: Work): void {
  if (work.queuedIn === 'arrivals') {
    lane.queuedArrivals -= 1;
    lane.queuedBytes -= work.bytes;
  }
  if (work.queuedIn === 'due') lane.queuedDue -= 1;
  work.queuedIn = null;
}

/** The delivery that starts next, taken out of its queue: due rows before first attempts. */
export function takeNext(lane: Lane): Work | undefined {
  while (lane.due.length > 0) {
    const work = popDue(lane.due);
    if (work.queuedIn !== 'due') continue;
    unqueue(lane, work);
    return work;
  }
  return takeArrival(lane);
}

/** The oldest first attempt, taken out of the queue. */
export function takeArrival(lane: Lane): Work | undefined {
  for (let work = lane.arrivals.shift(); work !== undefined; work = lane.arrivals.shift()) {
    if (work.queuedIn !== 'arrivals') continue;
    unqueue(lane, work);
    return work;
  }
  return undefined;
}

/** The oldest first attempt, which stays where it is. */
export function nextArrival(lane: Lane): Work | undefined {
  for (let work = lane.arrivals.peek(); work !== undefined; work = lane.arrivals.peek()) {
    if (work.queuedIn === 'arrivals') return work;
    lane.arrivals.shift();
  }
  return undefined;
}

/** When the lane may start something as far as time alone is concerned (ms, monotonic). */
export function openAt(lane: Lane): number {
  return lane.rate === null ? lane.heldUntil : Math.max(lane.heldUntil, lane.rate.openAt);
}

/** Whether the lane has something to start that nothing but time keeps. */
export function hasWork(lane: Lane): boolean {
  return lane.gate.kind === 'open' && lane.inFlight < lane.concurrencyMax && lane.queuedDue + lane.queuedArrivals > 0;
}

/** Older: read earlier; of what was read on different topics, live before bulk. */
function older(a: Work, b: Work): boolean {
  if (a.origin.bulk !== b.origin.bulk) return b.origin.bulk;
  return a.origin.offset < b.origin.offset;
}

function pushDue(heap: Work[], work: Work): void {
  let at = heap.push(work) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as Work;
    if (!older(work, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = work;
}

function popDue(heap: Work[]): Work {
  const top = heap[0] as Work;
  const last = heap.pop() as Work;
  if (heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && older(heap[child + 1] as Work, heap[child] as Work)) child += 1;
    if (!older(heap[child] as Work, last)) break;
    heap[at] = heap[child] as Work;
    at = child;
  }
  heap[at] = last;
  return top;
}
