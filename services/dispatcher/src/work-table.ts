import { TIERS, compareRowVersions, limits, moveDelivery } from '@postrider/core';
import { enqueue, unqueue } from './lane.ts';
import type { Clock, DeliveryChanges, Tier } from '@postrider/core';
import type { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import type { ByteMeter } from './byte-meter.ts';
import type { DueTimers } from './due-timers.ts';
import type { IntakeLedger } from './intake-ledger.ts';
import type { Lane } from './lane.ts';
import type { RecentKeys } from './recent-keys.ts';
import type { Reign } from './reign.ts';
import type { Result, WriteResult } from './result-record.ts';
import type { Scheduler } from './scheduler.ts';
import type { LoadedRow, TierBook } from './tier-book.ts';
import type { Unsettled } from './unsettled.ts';
import type { StoredDelivery, WaitingStore } from './waiting-store.ts';
import type { IntakeOffset, Work, WorkState } from './work.ts';

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
  readonly timers: DueTimers;
  readonly scheduler: Scheduler;
  readonly unsettled: Unsettled;
  readonly meter: ByteMeter;
  readonly book: TierBook;
  readonly ledger: IntakeLedger;
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
}

/** Every delivery of a partition that has not ended, and the rules by which it waits and ends (design rules 12, 14, 15). */
export function createWorkTable(options: WorkTableOptions): WorkTable {
  return new WorkTable(options);
}

export class WorkTable {
  /** By work key. */
  readonly works = new Map<string, Work>();
  /** How many are not idle: in flight, being put or ending. */
  active = 0;
  /** How many of them have made their attempt, or need none, and are not written yet. */
  #unsettled = 0;
  readonly #o: WorkTableOptions;

  constructor(options: WorkTableOptions) {
    this.#o = options;
  }

  /** A first attempt that may start now or as soon as its lane lets it. */
  arrive(work: Work): void {
    this.works.set(work.key, work);
    this.#o.meter.add(work.bytes);
  }

  /** Queues an arrival in its lane. */
  queue(work: Work): void {
    const lane = work.lane as Lane;
    enqueue(lane, work, 'arrivals');
    this.#o.scheduler.ready(lane);
  }

  /** Back to where it was taken from. */
  requeue(work: Work): void {
    if (work.tier === null) this.queue(work);
    else this.place(work);
  }

  /** Another record of a delivery that is being worked on: it starts nothing, and is done when that ends or is put. */
  takeAgain(work: Work, at: IntakeOffset): void {
    const row = work.tier === null ? undefined : this.#o.book.known(work.tier, work.key);
    const waits = work.state === 'idle' && row !== undefined && work.tier !== null;
    if (waits && work.open.length === 0 && row.acked && row.epoch === this.#o.reign.epoch)
      return this.#o.ledger.done(at);
    work.open.push(at);
    // A row of an older epoch may still be overruled by that epoch's late writes: this epoch's own must stand first.
    if (waits) this.#putAgain(work);
  }

  /** What a row of this delivery says now; undefined when no such delivery is in hand. */
  rowOf(key: string): StoredDelivery | undefined {
    const work = this.works.get(key);
    if (work === undefined) return undefined;
    const delivery = this.#bytesOf(work);
    if (delivery === undefined || work.tier !== null) return delivery;
    return { header: moveDelivery(delivery.header, { intake: work.origin }), body: delivery.body };
  }

  /** Starts flying; gives the bytes to send. Undefined when the store lost them, which a new takeover mends. */
  takeOff(work: Work): StoredDelivery | undefined {
    const delivery = this.#bytesOf(work);
    if (delivery === undefined) return undefined;
    work.delivery = delivery;
    this.#leaveIdle(work, 'flying');
    return delivery;
  }

  /**
   * Writes the results, then the row: a row that counts an attempt whose record is lost would hide it for ever. When the
   * row is acknowledged the delivery waits.
   */
  put(work: Work, plan: WaitPlan, results: readonly Result[] = []): void {
    const row = this.#rewrite(work, plan);
    if (row === undefined) return;
    this.#leaveIdle(work, 'putting');
    const rowAcked = (): void => {
      if (this.works.get(work.key) !== work) return;
      this.#complete(work);
      for (const tier of this.#o.book.rowsElsewhere(work.tier, work.key)) this.#o.book.write(tier, work.key, null);
      this.#to(work, 'idle');
      this.#park(work);
      this.place(work);
      if (results.length > 0) this.#settled();
    };
    const tooLarge = (): void => {
      if (results.length > 0) this.#settled();
      this.#tooLarge(work);
    };
    const writeRow = (): void => this.#o.book.write(plan.tier, work.key, row, rowAcked, tooLarge);
    if (results.length === 0) return writeRow();
    this.#unsettle();
    let left = results.length;
    const resultAcked = (): void => {
      left -= 1;
      if (left === 0 && this.works.get(work.key) === work) writeRow();
    };
    for (const result of results) this.#o.writeResult(result, resultAcked);
  }

  /** Writes a row for a delivery in flight that holds up the offset range; its attempt goes on. */
  guard(work: Work, plan: WaitPlan): void {
    const { open } = work;
    const row = this.#rewrite(work, plan);
    if (row === undefined) return;
    const acked = (): void => {
      if (this.works.get(work.key) === work && open === work.open) this.#complete(work);
    };
    // Without the row its offset stays open until the attempt has ended.
    this.#o.book.write(plan.tier, work.key, row, acked, () => undefined);
  }

  /** Results acknowledged → tombstones where rows are, acknowledged → ended. */
  finish(work: Work, results: readonly Result[]): void {
    this.#leaveIdle(work, 'ending');
    this.#unsettle();
    let left = results.length;
    const acked = (): void => {
      left -= 1;
      if (left === 0) this.#bury(work);
    };
    for (const result of results) this.#o.writeResult(result, acked);
  }

  /** A row that was loaded: it waits, or is what a delivery in hand goes on from, or is an older copy. */
  load(row: LoadedRow, create: () => Work): void {
    const work = this.works.get(row.key);
    if (work === undefined) {
      this.#adopt(create(), row);
      return;
    }
    const { book } = this.#o;
    const mine = work.tier === null ? undefined : book.known(work.tier, row.key);
    if (work.state === 'idle' && (mine === undefined || compareRowVersions(row.version, mine) > 0)) {
      const old = work.tier;
      this.#adopt(work, row, create());
      if (old !== null && old !== row.tier) book.write(old, row.key, null);
    } else if (
      mine !== undefined &&
      work.tier !== row.tier &&
      compareRowVersions(mine, row.version) > 0 &&
      (mine.read || mine.acked)
    ) {
      // Only the older of two rows, and only once the newer one is in the log.
      book.write(row.tier, row.key, null);
    }
  }

  /** Puts an idle delivery with a row where it belongs now: in its lane's queue, or among those that wait. */
  place(work: Work): void {
    const lane = work.lane as Lane;
    if (work.state !== 'idle') return;
    this.#displace(work);
    // Nothing begins any more, not even an ending: it could be half written when the partition is released.
    if (this.#o.reign.draining) return void lane.waiting.add(work);
    if (lane.gate.kind === 'cancel') return this.#o.cancel(work, lane.gate.reason);
    const now = this.#o.clock.now();
    if (work.expiresAt <= now) return this.#o.expire(work);
    const dueLater = work.dueAt > now;
    work.timer = this.#o.timers.at(dueLater ? Math.min(work.dueAt, work.expiresAt) : work.expiresAt, () =>
      this.place(work),
    );
    if (dueLater || lane.gate.kind !== 'open') return void lane.waiting.add(work);
    work.readyAt = Math.max(work.dueAt, work.readyAt);
    enqueue(lane, work, 'due');
    this.#o.scheduler.ready(lane);
  }

  /** Forgets everything: the reign is over. */
  close(): void {
    for (const work of this.works.values()) {
      this.#cancelTimer(work);
      if (work.tier === null) this.#o.meter.add(-work.bytes);
    }
    this.works.clear();
    this.#o.unsettled.add(-this.#unsettled);
    this.#unsettled = 0;
    this.#o.store.close();
  }

  #adopt(work: Work, row: LoadedRow, from: Work = work): void {
    this.works.set(work.key, work);
    this.#displace(work);
    if (work.tier === null && work !== from) this.#o.meter.add(-work.bytes);
    work.tier = row.tier;
    work.origin = from.origin;
    work.dueAt = from.dueAt;
    work.expiresAt = from.expiresAt;
    work.bytes = from.bytes;
    this.#o.store.put(row.key, row.delivery);
    work.delivery = null;
    work.view = null;
    if (work.open.length > 0) return this.#putAgain(work);
    if (row.overwritten) this.#o.book.answer(row.tier, row.key);
    this.place(work);
  }

  /** Writes the row as this epoch's, unchanged. */
  #putAgain(work: Work): void {
    const row = this.#bytesOf(work);
    if (row === undefined) return;
    this.#displace(work);
    this.#to(work, 'putting');
    const acked = (): void => {
      if (this.works.get(work.key) !== work) return;
      this.#complete(work);
      this.#to(work, 'idle');
      this.place(work);
    };
    this.#o.book.write(work.tier as Tier, work.key, row, acked, () => this.#tooLarge(work));
  }

  #tooLarge(work: Work): void {
    if (this.works.get(work.key) === work) this.#o.tooLarge(work);
  }

  /** The bytes of a delivery. Undefined when the store has lost them: the reign is over, and the tiers hold the truth. */
  #bytesOf(work: Work): StoredDelivery | undefined {
    const delivery = work.delivery ?? this.#o.store.get(work.key);
    if (delivery === undefined) this.#o.reign.end('store-lost');
    return delivery;
  }

  #rewrite(work: Work, plan: WaitPlan): StoredDelivery | undefined {
    const before = this.#bytesOf(work);
    if (before === undefined) return undefined;
    const header = moveDelivery(before.header, { ...plan.changes, intake: work.origin });
    const row = { header, body: before.body };
    this.#o.store.put(work.key, row);
    if (work.tier === null) this.#o.meter.add(-work.bytes);
    work.delivery = row;
    work.tier = plan.tier;
    work.dueAt = plan.changes.dueAt ?? 0;
    work.bytes = row.header.length + row.body.length;
    return row;
  }

  /** From now on the bytes are in the store only. */
  #park(work: Work): void {
    work.delivery = null;
    work.view = null;
  }

  /** The newest row goes last: after a crash in between, an older one would begin again with attempts that were made. */
  #bury(work: Work): void {
    const tiers = TIERS.filter((tier) => this.#needsTombstone(work, tier));
    if (tiers.length === 0) return this.#ended(work);
    const older = tiers.filter((tier) => tier !== work.tier);
    this.#tombstone(work.key, older, () =>
      this.#tombstone(
        work.key,
        tiers.filter((tier) => tier === work.tier),
        () => this.#ended(work),
      ),
    );
  }

  /** `acked` is called when all are acknowledged; at once if there are none. */
  #tombstone(key: string, tiers: readonly Tier[], acked: () => void): void {
    let left = tiers.length;
    if (left === 0) return acked();
    for (const tier of tiers) {
      this.#o.book.write(tier, key, null, () => {
        left -= 1;
        if (left === 0) acked();
      });
    }
  }

  /**
   * Where a row is, or was until a tombstone that is not acknowledged yet; and everywhere, while a row of an older reign
   * may lie unread or still be on its way.
   */
  #needsTombstone(work: Work, tier: Tier): boolean {
    const { book, ends, reign, clock } = this.#o;
    const known = book.known(tier, work.key);
    if (known !== undefined) return known.row || !known.acked;
    if (reign.first || work.origin.offset >= (work.origin.bulk ? ends.bulk : ends.live)) return false;
    return !book.isLoaded(tier) || clock.monotonic() - reign.claimedAt < limits.claimTombstoneMs;
  }

  #ended(work: Work): void {
    this.#complete(work);
    this.works.delete(work.key);
    this.active -= 1;
    if (work.tier === null) this.#o.meter.add(-work.bytes);
    else this.#o.store.delete(work.key);
    this.#o.recent.add(work.key);
    this.#settled();
  }

  #unsettle(): void {
    this.#unsettled += 1;
    this.#o.unsettled.add(1);
  }

  #settled(): void {
    this.#unsettled -= 1;
    this.#o.unsettled.add(-1);
    this.#o.scheduler.written();
  }

  /** What its records stand for is acknowledged; the offset that its rows name is done too, read or not. */
  #complete(work: Work): void {
    for (const at of work.open) this.#o.ledger.done(at);
    this.#o.ledger.done(work.origin);
    work.open = [];
  }

  #leaveIdle(work: Work, state: WorkState): void {
    this.#displace(work);
    this.#to(work, state);
  }

  /** Out of queues, waiting sets and timers. */
  #displace(work: Work): void {
    this.#cancelTimer(work);
    if (work.lane === null) return;
    unqueue(work.lane, work);
    work.lane.waiting.delete(work);
  }

  #cancelTimer(work: Work): void {
    if (work.timer === null) return;
    this.#o.timers.cancel(work.timer);
    work.timer = null;
  }

  #to(work: Work, state: WorkState): void {
    if (work.state === 'idle' && state !== 'idle') this.active += 1;
    if (work.state !== 'idle' && state === 'idle') this.active -= 1;
    work.state = state;
  }
}
