import { limits, orderPlaceOf, tierFor, workKey, type Clock, type DeliveryView } from '@postrider/core';
import { PriorityClass, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { DELIVERY_HEADER, header } from '@postrider/kafka';
import { intakeTopics, topicOf, type IntakeLedger, type IntakeTopic } from './intake-ledger.ts';
import { giveOwnBytes } from './own-bytes.ts';
import { isQuiet } from './lane.ts';
import { NO_ROW, type RowFacts } from './row-index.ts';
import type { Batch, IncomingRecord } from '@postrider/kafka';
import type { ByteMeter } from './byte-meter.ts';
import type { Endings } from './endings.ts';
import type { Faults } from './faults.ts';
import type { Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';
import type { Ordering } from './ordering.ts';
import type { PartitionFeed } from './partition-feed.ts';
import type { Reach } from './reach.ts';
import type { RowBound } from './row-bound.ts';
import type { Scheduler } from './scheduler.ts';
import type { RecentKeys } from './recent-keys.ts';
import type { Usable } from './usable-delivery.ts';
import type { IntakeOffset, Work, WorkOrder } from './work.ts';
import type { WaitingStores } from './waiting-stores.ts';
import type { WaitPlan, WorkTable } from './work-table.ts';

/** Takes deliveries in from `deliveries` and `deliveries.bulk` (design rules 6, 15), as far as there is room. */
export interface Intake {
  read(topic: IntakeTopic, batch: Batch): void;
  /** Decides what becomes of a first attempt: it ends, is put, or stands in its lane. */
  admit(work: Work): void;
  /** Starts reading, or goes on if there is room again. */
  resume(): void;
  /** Nothing more is taken in. */
  stop(): void;
}

export interface IntakeOptions {
  readonly clock: Clock;
  readonly feed: PartitionFeed;
  readonly ledger: IntakeLedger;
  readonly table: WorkTable;
  readonly lanes: Lanes;
  readonly ordering: Ordering;
  readonly scheduler: Pick<Scheduler, 'hasRoom'>;
  readonly recent: RecentKeys;
  readonly meter: ByteMeter;
  /** Of those from `deliveries.bulk` alone. */
  readonly bulkMeter: ByteMeter;
  readonly rowBound: Pick<RowBound, 'full' | 'bulkFull'>;
  readonly stores: Pick<WaitingStores, 'full' | 'bulkFull'>;
  /** While nobody is reached nothing is taken in. */
  readonly reach: Pick<Reach, 'isFailing'>;
  readonly endings: Endings;
  readonly faults: Faults;
  readonly usable: Usable;
}

/** Down to which a topic is read again whose offset range was full. */
const RESUME_AT = limits.offsetRangeMax * limits.rangeResumeAtFraction;
const PUT_AT = limits.offsetRangeMax * limits.putArrivalsAtFraction;
const PUT_QUIET_AT = limits.offsetRangeMax * limits.putQuietAtFraction;
/** What one lane may hold of the pod's memory once half of that is taken. */
const LANE_QUEUED_BYTES = limits.podQueuedBytesMax * limits.laneInFlightFraction;
export const PUT_AT_BYTES = limits.podQueuedBytesMax * limits.putArrivalsAtFraction;

/** Intake that has not started. */
export function createIntake(options: IntakeOptions): Intake {
  return new OneIntake(options);
}

class OneIntake implements Intake {
  readonly #o: IntakeOptions;
  readonly #reading: Record<IntakeTopic, boolean> = { deliveries: false, 'deliveries.bulk': false };
  #stopped = false;

  constructor(options: IntakeOptions) {
    this.#o = options;
  }

  read(topic: IntakeTopic, batch: Batch): void {
    const bulk = topic === 'deliveries.bulk';
    const range = this.#o.ledger.range(topic);
    const meter = bulk ? this.#o.bulkMeter : this.#o.meter;
    for (const record of batch.records) {
      if (meter.full || this.#o.rowBound.full || !range.fits(record.offset)) {
        // The batch is longer than the room there is: the rest is read again when there is some.
        this.#hold(topic);
        this.#o.feed.seek(topic, record.offset);
        if (!bulk) this.#o.ordering.readTo(record.offset);
        return;
      }
      range.take(record.offset);
      this.#o.recent.readTo(topic, record.timestamp);
      const at = { bulk, offset: record.offset };
      try {
        this.#take(at, record);
      } catch (error) {
        this.#failed(at, record, error);
      }
    }
    range.pass(batch.nextOffset);
    if (!bulk) this.#o.ordering.readTo(batch.nextOffset);
    if (range.size >= limits.offsetRangeMax || this.#isFull(topic)) this.#hold(topic);
  }

  resume(): void {
    if (this.#stopped) return;
    for (const topic of intakeTopics) {
      if (this.#reading[topic] || this.#o.ledger.range(topic).size > RESUME_AT) continue;
      // Asked last: after each completion there is mostly nothing to resume, and this looks at every store of the process.
      if (this.#isFull(topic)) continue;
      this.#reading[topic] = true;
      this.#o.feed.run(topic);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const topic of intakeTopics) this.#hold(topic);
  }

  /** What is taken in may have to wait: in memory, in the index, in the store. Bulk work leaves some of each to live work. */
  #isFull(topic: IntakeTopic): boolean {
    const { meter, bulkMeter, rowBound, stores } = this.#o;
    if (topic === 'deliveries.bulk' && (bulkMeter.full || rowBound.bulkFull || stores.bulkFull)) return true;
    return meter.full || rowBound.full || stores.full || this.#o.reach.isFailing();
  }

  #hold(topic: IntakeTopic): void {
    this.#reading[topic] = false;
    this.#o.feed.hold(topic);
  }

  #take(at: IntakeOffset, record: IncomingRecord): void {
    const { table, ledger, recent } = this.#o;
    const bytes = header(record, DELIVERY_HEADER);
    const view = this.#o.usable(bytes);
    if (typeof view === 'string' || record.value === null) {
      if (ledger.isDone(at)) return;
      return this.#takeUnreadable(at, record, typeof view === 'string' ? view : 'the record has no value');
    }
    const key = workKey(view.deliveryId, view.runId);
    // What is done only teaches its id, so that a repeat further on is known.
    if (ledger.isDone(at)) return recent.add(topicOf(at), key);
    if (table.takeAgain(key, at)) return;
    if (recent.has(key)) return ledger.done(at);
    const lane = this.#o.lanes.of(view.endpointId, view.tenant, view.endpointRevision);
    const work = newWork(key, view, lane, { at, header: view.header, body: record.value, now: this.#o.clock.now() });
    if (record.value.length >= limits.largeBodyBytes) giveOwnBytes(work);
    table.arrive(work);
    this.admit(work);
    // What waits keeps its bytes, and is decoded again when it starts: a backlog of views would be copied and marked again and again.
    if (work.state === 'idle') work.view = null;
  }

  admit(work: Work): void {
    const { table, endings, ledger, ordering, scheduler, clock } = this.#o;
    const lane = work.lane as Lane;
    if (lane.gate.kind === 'cancel') return endings.cancel(work, lane.gate.reason);
    if (!table.mayPut(work)) return table.queue(work);
    const now = clock.now();
    if (lane.gate.kind === 'disabled') return table.put(work, waitFor(WaitReason.DISABLED, null, now));
    if (work.dueAt > now) return table.put(work, waitFor(WaitReason.RETRY, work.dueAt, now));
    if (lane.gate.kind === 'paused') return table.put(work, waitFor(WaitReason.PAUSED, null, now));
    const used = ledger.range(topicOf(work.origin)).size;
    const { bytes } = this.#o.meter;
    const crowdsRange = used > PUT_AT && lane.queuedArrivals + lane.held.size >= limits.laneQueueMax;
    const crowdsMemory = bytes > PUT_AT_BYTES && lane.queuedBytes >= LANE_QUEUED_BYTES;
    const isCrowded = used > PUT_QUIET_AT || bytes > PUT_AT_BYTES;
    if (!isCrowded) return table.queue(work);
    const isTurn = ordering.isTurn(work, false);
    const isPut = crowdsRange || crowdsMemory || (scheduler.hasRoom && isInTheWay(work, lane, isTurn, this.#o));
    if (isPut) table.put(work, crowdedPlan(isTurn, lane, clock));
    else table.queue(work);
  }

  /** Taking it in threw: it is this record's affair alone. */
  #failed(at: IntakeOffset, record: IncomingRecord, error: unknown): void {
    const { table, faults, endings } = this.#o;
    for (const work of table.works.values()) {
      if (work.open.some((one) => one.bulk === at.bulk && one.offset === at.offset))
        return faults.failed(work, 'read', error);
    }
    const again = (): void => this.#take(at, record);
    faults.recordFailed(`${topicOf(at)}/${at.offset}`, error, again, (detail) =>
      endings.internalError(this.#workOf(at, record), detail),
    );
  }

  #takeUnreadable(at: IntakeOffset, record: IncomingRecord, detail: string): void {
    this.#o.endings.unreadable(this.#workOf(at, record), detail);
  }

  /** A record of which nothing is known but where it stands. */
  #workOf(at: IntakeOffset, record: IncomingRecord): Work {
    const { table, clock } = this.#o;
    const delivery = {
      header: header(record, DELIVERY_HEADER) ?? Buffer.alloc(0),
      body: record.value ?? Buffer.alloc(0),
    };
    const work = unreadableWork(`unreadable/${topicOf(at)}/${at.offset}`, clock.now());
    work.delivery = delivery;
    work.bytes = delivery.header.length + delivery.body.length;
    work.origin = at;
    work.open.push(at);
    table.arrive(work);
    return work;
  }
}

/**
 * It cannot be expected to be done soon, whoever waits for that.
 * @param startsNext it is a first attempt that starts as soon as its lane may start anything
 */
export function isInTheWay(
  work: Work,
  lane: Lane,
  startsNext: boolean,
  { ordering, clock }: { readonly ordering: Pick<Ordering, 'isBehindWaiting'>; readonly clock: Clock },
): boolean {
  return isQuiet(lane, clock.monotonic(), startsNext) || (!startsNext && ordering.isBehindWaiting(work, clock.now()));
}

/** How a first attempt waits for its turn in order, or for its lane, which is full, fails, or was asked to pause. */
export function crowdedPlan(isTurn: boolean, lane: Lane, clock: Clock): WaitPlan {
  const heldMs = lane.heldUntil - clock.monotonic();
  const now = clock.now();
  if (!isTurn) return waitFor(WaitReason.ORDER, null, now);
  if (heldMs > 0) return waitFor(WaitReason.RATE_LIMITED, now + Math.ceil(heldMs), now);
  if (lane.breaker?.closed === false) return waitFor(WaitReason.BREAKER_OPEN, null, now);
  return waitFor(WaitReason.LANE_FULL, null, now);
}

/** A plan by reason and due time (ms since the Unix epoch; null: nobody knows). */
export function waitFor(waitReason: WaitReason, dueAt: number | null, now: number): WaitPlan {
  return { tier: tierFor(dueAt === null ? null : dueAt - now), changes: { waitReason, dueAt } };
}

interface Read {
  readonly at: IntakeOffset;
  readonly header: Buffer;
  readonly body: Buffer;
  /** ms since the Unix epoch. */
  readonly now: number;
}

function newWork(key: string, view: DeliveryView, lane: Lane, { at, header: bytes, body, now }: Read): Work {
  return {
    key,
    lane,
    view,
    delivery: { header: bytes, body },
    origin: at,
    open: [at],
    state: 'idle',
    order: orderOf(view, at),
    queuedIn: null,
    row: NO_ROW,
    tier: null,
    dueAt: view.dueAt ?? 0,
    expiresAt: expiryOf(view, now),
    bytes: bytes.length + body.length,
    readyAt: now,
  };
}

/** What the index keeps of a row that was loaded. */
export function factsOfRow(view: DeliveryView, lane: Lane, bytes: number, now: number): RowFacts {
  return {
    lane,
    origin: view.intake ?? noOrigin,
    order: orderOf(view, view.intake ?? noOrigin),
    dueAt: view.dueAt ?? 0,
    expiresAt: expiryOf(view, now),
    bytes,
    behindLive: view.priorityClass === PriorityClass.BULK,
  };
}

/** A record whose header cannot be read. */
function unreadableWork(key: string, now: number): Work {
  return {
    key,
    lane: null,
    view: null,
    delivery: null,
    origin: noOrigin,
    open: [],
    state: 'idle',
    order: null,
    queuedIn: null,
    row: NO_ROW,
    tier: null,
    dueAt: 0,
    expiresAt: Infinity,
    bytes: 0,
    readyAt: now,
  };
}

function orderOf(view: DeliveryView, at: IntakeOffset): WorkOrder | null {
  const place = orderPlaceOf(view, at);
  return place === null ? null : { ...place, givenUp: view.givenUp > 0 };
}

/** No offset: of a row that names no record. */
export const noOrigin: IntakeOffset = { bulk: false, offset: -1 };

/** A delivery without an end gets the longest there is. */
function expiryOf(view: DeliveryView, now: number): number {
  return view.expiresAt ?? (view.firstSeen ?? now) + limits.retrySpanMaxMs;
}
