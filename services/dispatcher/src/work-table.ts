import { compareRowVersions, limits, moveDelivery } from '@postrider/core';
import { countDown } from './count-down.ts';
import { createDueRows, type DueRows } from './due-rows.ts';
import { topicOf } from './intake-ledger.ts';
import { enqueue, unqueue } from './lane.ts';
import { NO_ROW, mark, type RowIndex } from './row-index.ts';
import { createTombstones, type Tombstones } from './tombstones.ts';
import type { Tier } from '@postrider/core';
import type { ByteMeter } from './byte-meter.ts';
import type { Lane } from './lane.ts';
import type { Result } from './result-record.ts';
import type { StoredDelivery } from './waiting-store.ts';
import type { Ending, WaitPlan, WorkTableOptions } from './work-table-options.ts';
import { letGo, workOfRow, type IntakeOffset, type Work, type WorkState } from './work.ts';

export type { Ending, WaitPlan, WorkTableOptions } from './work-table-options.ts';

/** Every delivery of a partition that has not ended, and the rules by which it waits and ends (design rules 12, 14, 15). */
export function createWorkTable(options: WorkTableOptions): WorkTable {
  return new WorkTable(options);
}

export class WorkTable {
  /** What is being worked on, or is to be as soon as its lane lets it, by work key. What waits is in `rows` only. */
  readonly works = new Map<string, Work>();
  /** Everything that has a row, waiting or not. */
  readonly rows: RowIndex;
  /** How many are not idle: in flight, being put or ending. */
  active = 0;
  /** How many of them have made their attempt, or need none, and are not written yet. */
  #unsettled = 0;
  readonly #o: WorkTableOptions;
  readonly #due: DueRows;
  readonly #tombstones: Tombstones;
  /** What fell due before the reign began waits for us only since then. */
  readonly #since: number;

  constructor(options: WorkTableOptions) {
    this.#o = options;
    this.rows = options.rows;
    this.#since = options.clock.now();
    this.#tombstones = createTombstones(options);
    this.#due = createDueRows({
      ...options,
      mayWake: () => !options.reign.draining && options.reign.over === null,
      wake: (row) => this.#wake(row),
    });
  }

  /** Called every second. */
  tick(): void {
    this.#due.look();
  }

  /** A first attempt that may start now or as soon as its lane lets it. */
  arrive(work: Work): void {
    this.works.set(work.key, work);
    this.#meterOf(work).add(work.bytes + limits.queuedOverheadBytes);
    if (work.lane !== null) work.lane.firsts += 1;
    this.#o.ordering.arrive(work);
  }

  /** Queues an arrival in its lane; before its turn in order it is only held there. */
  queue(work: Work): void {
    const lane = work.lane as Lane;
    unqueue(lane, work);
    if (!this.#o.ordering.isTurn(work, false)) return enqueue(lane, work, 'held');
    enqueue(lane, work, 'arrivals');
    this.#o.scheduler.ready(lane);
  }

  /** Whether a first attempt may be put: what is ordered may not before every tier is loaded. */
  mayPut(work: Work): boolean {
    return work.order === null || this.#o.ordering.loaded;
  }

  /** Back to where it was taken from. */
  requeue(work: Work): void {
    if (work.row === NO_ROW) this.queue(work);
    else this.#rest(work);
  }

  /**
   * Another record of a delivery that is in hand: it starts nothing, and is done when that ends or is put. False: no
   * delivery of this key is in hand.
   */
  takeAgain(key: string, at: IntakeOffset): boolean {
    const work = this.works.get(key);
    if (work !== undefined) {
      work.open.push(at);
      return true;
    }
    const row = this.rows.find(key);
    if (row === NO_ROW) return false;
    if (this.rows.epochOf(row) === this.#o.reign.rowEpoch && this.rows.is(row, mark.acked)) {
      this.#o.ledger.done(at);
    } else {
      // A row of an older epoch may still be overruled by that epoch's late writes: this epoch's own must stand first.
      const taken = this.takeOut(row);
      taken.open.push(at);
      this.#putAgain(taken);
    }
    return true;
  }

  /** The lane's oldest row that is due, to start it. */
  takeDue(lane: Lane): Work | undefined {
    const row = lane.rows.ready?.top ?? NO_ROW;
    return row === NO_ROW ? undefined : this.takeOut(row);
  }

  /** What a row of this delivery says now; undefined when no such delivery is in hand. */
  rowOf(key: string): StoredDelivery | 'unrecorded' | undefined {
    const work = this.works.get(key);
    if (work === undefined) return this.#stored(this.rows.find(key));
    if (work.state === 'recording') return 'unrecorded';
    const delivery = this.bytesOf(work);
    if (delivery === undefined || work.tier !== null) return delivery;
    return { header: moveDelivery(delivery.header, { intake: work.origin }), body: delivery.body };
  }

  /** The bytes of a delivery. Undefined when the store has lost them: the reign is over, and the tiers hold the truth. */
  bytesOf(work: Work): StoredDelivery | undefined {
    return work.delivery ?? this.#stored(work.row);
  }

  /** Starts flying; gives the bytes to send. Undefined when the store lost them, which a new takeover mends. */
  takeOff(work: Work): StoredDelivery | undefined {
    const delivery = this.bytesOf(work);
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
    // Its queue has counted it by the bytes that it has now.
    if (work.lane !== null) unqueue(work.lane, work);
    const row = this.#rewrite(work, plan);
    if (row === undefined) return;
    this.#leaveIdle(work, 'recording');
    if (results.length === 0) return this.#writeRow(work, row);
    this.#unsettle();
    const recorded = countDown(results.length, () => {
      if (this.works.get(work.key) === work) this.#writeRow(work, row, true);
    });
    for (const result of results) this.#o.writeResult(result, recorded);
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
  finish(work: Work, results: readonly Result[], how: Ending = 'undelivered'): void {
    this.#leaveIdle(work, 'ending');
    this.#unsettle();
    const acked = countDown(results.length, () => this.#tombstones.bury(work, () => this.#ended(work, how)));
    for (const result of results) this.#o.writeResult(result, acked);
  }

  /** A row that was loaded: it waits, or is what a delivery in hand goes on from, or is an older copy. */
  load(row: number): void {
    const { rows } = this;
    const { book, ordering, reign } = this.#o;
    const key = rows.keyOf(row);
    const tier = rows.tierOf(row) as Tier;
    const version = { epoch: rows.epochOf(row), n: rows.n.get(row) };
    const work = this.works.get(key);
    const other = work?.row ?? rows.find(key);
    if (rows.is(row, mark.unreadable)) {
      // A delivery in hand under this key holds all there is to know; its end takes this row away.
      if (work !== undefined || other !== NO_ROW) return book.setAside(row);
      rows.loaded(row);
      return reign.draining ? undefined : this.#o.unreadable(this.takeOut(row));
    }
    const from = work === undefined ? rows.tierOf(other) : work.tier;
    const mine = from === null ? undefined : book.known(from, key);
    if (
      (work === undefined || work.state === 'idle') &&
      (mine === undefined || compareRowVersions(version, mine) > 0)
    ) {
      ordering.leave(work ?? rows.factsOf(other));
      if (other !== NO_ROW) book.setAside(other);
      this.#adopt(row, work);
      if (from !== null && from !== tier) book.write(from, key, null);
      return;
    }
    book.setAside(row);
    // Only the older of two rows, and only once the newer one is in the log.
    const overruled = mine !== undefined && from !== tier && compareRowVersions(mine, version) > 0;
    if (overruled && (mine.read || mine.acked)) book.write(tier, key, null);
  }

  /** Forgets everything: the reign is over. */
  close(): void {
    this.#due.close();
    for (const work of this.works.values())
      if (work.tier === null) this.#meterOf(work).add(-work.bytes - limits.queuedOverheadBytes);
    this.works.clear();
    this.#o.unsettled.add(-this.#unsettled);
    this.#unsettled = 0;
    this.#o.store.close();
  }

  /** A row becomes what its delivery goes on from: it waits, or its arrival, whose records it stands for, is put again. */
  #adopt(row: number, work: Work | undefined): void {
    const { rows } = this;
    const tier = rows.tierOf(row) as Tier;
    const overwritten = rows.is(row, mark.overwritten);
    rows.loaded(row);
    this.#o.ordering.load(rows.factsOf(row));
    if (work !== undefined && work.open.length > 0) {
      if (work.lane !== null) unqueue(work.lane, work);
      if (work.tier === null) this.#gotRow(work);
      rows.set(row, mark.taken, true);
      Object.assign(work, { ...workOfRow(rows, row, work.readyAt), open: work.open });
      return this.#putAgain(work);
    }
    if (overwritten) this.#o.book.answer(tier, rows.keyOf(row));
    this.#place(row);
  }

  /** Writes the row as this epoch's, unchanged. */
  #putAgain(work: Work): void {
    const row = this.bytesOf(work);
    if (row === undefined) return;
    this.#writeRow(work, row);
  }

  /** Acknowledged, it waits from now on, and where it stood before it stands no more. `recorded`: after an attempt. */
  #writeRow(work: Work, row: StoredDelivery, recorded = false): void {
    this.#to(work, 'putting');
    const acked = (): void => {
      if (this.works.get(work.key) !== work) return;
      this.#complete(work);
      for (const tier of this.#o.book.rowsElsewhere(work.tier, work.key)) this.#o.book.write(tier, work.key, null);
      this.#to(work, 'idle');
      this.#rest(work);
      if (recorded) this.#settled();
    };
    const tooLarge = (): void => {
      if (recorded) this.#settled();
      if (this.works.get(work.key) === work) this.#o.endings.tooLarge(work);
    };
    this.#o.book.write(work.tier as Tier, work.key, row, acked, tooLarge);
  }

  #stored(row: number): StoredDelivery | undefined {
    if (row === NO_ROW) return undefined;
    const delivery = this.#o.store.get(row);
    if (delivery === undefined) this.#o.reign.end('store-lost');
    return delivery;
  }

  #rewrite(work: Work, plan: WaitPlan): StoredDelivery | undefined {
    const before = this.bytesOf(work);
    if (before === undefined) return undefined;
    const header = moveDelivery(before.header, { ...plan.changes, intake: work.origin });
    const row = { header, body: before.body };
    if (work.tier === null) this.#gotRow(work);
    work.delivery = row;
    work.tier = plan.tier;
    work.dueAt = plan.changes.dueAt ?? 0;
    work.bytes = row.header.length + row.body.length;
    if (work.row === NO_ROW) {
      work.row = this.rows.add(work.key, mark.taken);
      this.#o.ordering.gotRow(work);
    }
    if (work.order !== null && plan.changes.givenUp !== undefined) work.order = { ...work.order, givenUp: true };
    this.rows.describe(work.row, work);
    this.#o.store.put(work.row, row);
    return row;
  }

  /** It is no first attempt without a row any more, and its bytes are not counted as such. */
  #gotRow(work: Work): void {
    this.#meterOf(work).add(-work.bytes - limits.queuedOverheadBytes);
    if (work.lane !== null) work.lane.firsts -= 1;
  }

  #meterOf({ origin }: Work): ByteMeter {
    return origin.bulk ? this.#o.bulkMeter : this.#o.meter;
  }

  /** From now on it waits, and its bytes are in the store only. */
  #rest(work: Work): void {
    this.works.delete(work.key);
    letGo(work);
    this.rows.set(work.row, mark.taken, false);
    this.#place(work.row);
  }

  /** A row that waits is to be worked on. */
  takeOut(row: number): Work {
    const { rows } = this;
    rows.leave(row);
    rows.set(row, mark.taken, true);
    const dueAt = rows.dueAt.get(row);
    const work = workOfRow(rows, row, dueAt === 0 ? this.#o.clock.now() : Math.max(dueAt, this.#since));
    this.works.set(work.key, work);
    return work;
  }

  /** A row waits where it belongs now: for its time, or for its lane. */
  #place(row: number): void {
    const { rows } = this;
    const { reign, clock, endings } = this.#o;
    const lane = rows.laneOf(row) as Lane;
    rows.wait(row);
    // Nothing begins any more, not even an ending: it could be half written when the partition is released.
    if (reign.draining) return;
    if (lane.gate.kind === 'cancel') return this.#o.followGate(lane);
    const now = clock.now();
    if (rows.expiresAt.get(row) <= now) return endings.expire(this.takeOut(row));
    this.ready(row);
    this.#due.arm();
  }

  #wake(row: number): void {
    if (this.rows.expiresAt.get(row) <= this.#o.clock.now()) this.#o.endings.expire(this.takeOut(row));
    else this.ready(row);
  }

  /** A row that waits starts as soon as its lane lets it, if it is due and its turn, and order does not keep it in its place. */
  ready(row: number): void {
    const { rows } = this;
    if (rows.dueAt.get(row) > this.#o.clock.now()) return;
    const lane = rows.laneOf(row) as Lane;
    const order = rows.orderOf(row);
    const kept = order?.givenUp === true && (lane.stops || lane.gate.kind !== 'open');
    if (kept || !this.#o.ordering.isTurn({ lane, order }, true)) return rows.holdBack(row);
    if (order?.givenUp === true) return this.#o.endings.giveUp(this.takeOut(row));
    rows.ready(row);
    this.#o.scheduler.ready(lane);
  }

  #ended(work: Work, how: Ending): void {
    const { ordering, afterProgress } = this.#o;
    this.#complete(work);
    this.works.delete(work.key);
    this.active -= 1;
    if (work.tier === null) this.#gotRow(work);
    if (work.row !== NO_ROW) {
      this.rows.remove(work.row);
      this.#o.store.delete(work.row);
    }
    this.#o.recent.add(topicOf(work.origin), work.key);
    letGo(work);
    this.#settled();
    if (work.order === null) return;
    // A crash may bring back what no progress tells of, and it must not succeed after what stands behind it.
    if (how === 'delivered') ordering.ended(work);
    else afterProgress(() => ordering.ended(work));
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
    if (work.lane !== null) unqueue(work.lane, work);
    this.#to(work, state);
  }

  #to(work: Work, state: WorkState): void {
    if (work.state === 'idle' && state !== 'idle') this.active += 1;
    if (work.state !== 'idle' && state === 'idle') this.active -= 1;
    work.state = state;
  }
}
