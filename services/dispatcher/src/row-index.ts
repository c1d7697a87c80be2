import { TIERS, type Tier } from '@postrider/core';
import { Interner } from './interner.ts';
import { RowHeap } from './row-heap.ts';
import { ROWS_PER_PIECE, RowMemory } from './row-memory.ts';
import { RowOrders } from './row-orders.ts';
import { RowSlots } from './row-slots.ts';
import { createPackedKey, hashOfKey, hashOfPacked, packKey, unpackKey } from './work-key.ts';
import type { Lane } from './lane.ts';
import type { LaneRows } from './lane-rows.ts';
import type { Column } from './row-memory.ts';
import type { IntakeOffset, WorkOrder } from './work.ts';

/** Row ids begin with 1: 0 is no row. */
export const NO_ROW = 0;
/** Where a row's newest record stands is not known: it is being written. */
export const NO_OFFSET = -1;

/** What the index knows of a row besides its key and its version. */
export interface RowFacts {
  /** Null only for what cannot be read. */
  readonly lane: Lane | null;
  /** The record that the row stands for. */
  readonly origin: IntakeOffset;
  /** Its place in the order of its endpoint; null: it stands in none. */
  readonly order: WorkOrder | null;
  /** Not started before this time (ms since the Unix epoch); 0: at once. */
  readonly dueAt: number;
  /** It ends by then (ms since the Unix epoch). */
  readonly expiresAt: number;
  /** Of header and body. */
  readonly bytes: number;
  /** It stands behind live work of its lane. Absent: only if its record is one of `deliveries.bulk`. */
  readonly behindLive?: boolean;
}

/** What is true of a row, as bits beside the number of its tier. */
export const mark = {
  /** Acknowledged; seen by the reader. Both are true of a row that was loaded. */
  acked: 1 << 2,
  read: 1 << 3,
  /** It stands for a record of `deliveries.bulk`. */
  bulk: 1 << 4,
  /** Of a tier that is not fully read yet: it counts for nothing but its own newer records. */
  loading: 1 << 5,
  /** A `Work` is made of it: it does not wait. */
  taken: 1 << 6,
  /** While loading: its newest record is a tombstone; a record older than that stands behind it, and one that is a row. */
  tombstone: 1 << 7,
  overwritten: 1 << 8,
  rowBehind: 1 << 9,
  /** Its header cannot be read. */
  unreadable: 1 << 10,
  /** It was given up, and order keeps it in its place. */
  givenUp: 1 << 11,
  /** It is due, and its turn in order has not come. */
  behind: 1 << 12,
  /** It can be found by its place in order. */
  placed: 1 << 13,
  /** It stands behind live work of its lane. */
  behindLive: 1 << 14,
} as const;

const TIER_MASK = 3;
const NO_LANE = 0;

/**
 * The rows of one partition, about a hundred bytes each: no object, no text and no timer belongs to a row that waits. A row
 * is a number; its fields stand in columns. The bytes are in the store, under the same number.
 */
export class RowIndex {
  readonly #memory = new RowMemory({ doubles: 5, words: 14 });
  readonly n = this.#memory.double();
  readonly dueAt = this.#memory.double();
  readonly expiresAt = this.#memory.double();
  readonly origin = this.#memory.double();
  readonly orders = new RowOrders(this.origin, this.#memory.word());
  /** Where it stands in its tier: at its newest record that is acknowledged; `NO_OFFSET` while there is none. */
  readonly recordOffset = this.#memory.double();
  readonly sizes = this.#memory.word();
  /** Rows that wait, by the time at which something is to happen to them. */
  readonly wake: RowHeap;
  /** Links of the lane's chain, and the place among its rows that are due. */
  readonly next = this.#memory.word();
  readonly previous = this.#memory.word();
  readonly readyPlace = this.#memory.word();
  /** Rows that are not loading. */
  size = 0;

  readonly #words = [this.#memory.word(), this.#memory.word(), this.#memory.word(), this.#memory.word()] as const;
  readonly #rests = this.#memory.word();
  readonly #marks = this.#memory.word();
  readonly #epochs = this.#memory.word();
  readonly #lanes = this.#memory.word();
  readonly #wakePlace = this.#memory.word();
  readonly #restTexts = new Interner<string>();
  readonly #epochNumbers = new Interner<number>();
  readonly #laneNumbers = new Interner<Lane | null>();
  readonly #slots: RowSlots;
  readonly #wanted = createPackedKey();
  #wantedKey: string | null = null;
  #wantedMarks = 0;
  #capacity = 0;
  #free = NO_ROW;

  constructor() {
    // Number 0 of each stands for nothing and is never released.
    this.#restTexts.intern('');
    this.#epochNumbers.intern(-1);
    this.#laneNumbers.intern(null);
    this.#slots = new RowSlots((row) => this.#hashOf(row));
    this.wake = new RowHeap((a, b) => this.#wakesBefore(a, b), this.#wakePlace);
  }

  /** One more than the highest row id there ever was. */
  get capacity(): number {
    return this.#capacity;
  }

  /** The row of this key; `NO_ROW` when there is none. */
  find(key: string): number {
    return this.#slots.size === 0 ? NO_ROW : this.#find(key, 0);
  }

  /** The row of this key that is being loaded from this tier. */
  findLoading(key: string, tier: Tier): number {
    return this.#find(key, mark.loading | (TIERS.indexOf(tier) + 1));
  }

  /** A row of which nothing is known but its key; there must be none yet. */
  add(key: string, marks = 0): number {
    if (this.#free === NO_ROW) this.#grow();
    const row = this.#free;
    this.#free = this.next.get(row);
    this.next.set(row, 0);
    this.#want(key);
    const { words } = this.#wanted;
    for (let i = 0; i < words.length; i += 1) (this.#words[i] as Column).set(row, words[i] as number);
    this.#rests.set(row, this.#wanted.rest === '' ? 0 : this.#restTexts.intern(this.#wanted.rest));
    this.#marks.set(row, marks);
    this.recordOffset.set(row, NO_OFFSET);
    this.#slots.add(row);
    if ((marks & mark.loading) === 0) this.size += 1;
    return row;
  }

  /** The row is no more, wherever it stood. */
  remove(row: number): void {
    this.leave(row);
    this.#slots.remove(row);
    this.#place(row, undefined);
    if (!this.is(row, mark.loading)) this.size -= 1;
    const rest = this.#rests.get(row);
    if (rest !== 0) this.#restTexts.release(rest);
    this.#setEpoch(row, -1);
    this.setLane(row, null);
    this.#marks.set(row, 0);
    this.next.set(row, this.#free);
    this.#free = row;
  }

  keyOf(row: number): string {
    const { words } = this.#wanted;
    for (let i = 0; i < words.length; i += 1) words[i] = (this.#words[i] as Column).get(row);
    this.#wanted.rest = this.#restTexts.valueOf(this.#rests.get(row));
    this.#wantedKey = unpackKey(words, this.#wanted.rest);
    return this.#wantedKey;
  }

  is(row: number, marks: number): boolean {
    return (this.#marks.get(row) & marks) !== 0;
  }

  set(row: number, marks: number, on: boolean): void {
    const before = this.#marks.get(row);
    this.#marks.set(row, on ? before | marks : before & ~marks);
  }

  /** The tier that holds the row; null when none does, any more or yet. */
  tierOf(row: number): Tier | null {
    return TIERS[(this.#marks.get(row) & TIER_MASK) - 1] ?? null;
  }

  epochOf(row: number): number {
    return this.#epochNumbers.valueOf(this.#epochs.get(row));
  }

  /** What its newest record says, written or read. */
  setVersion(row: number, tier: Tier | null, version: { readonly epoch: number; readonly n: number }): void {
    const number = tier === null ? 0 : TIERS.indexOf(tier) + 1;
    this.#marks.set(row, (this.#marks.get(row) & ~TIER_MASK) | number);
    this.#setEpoch(row, version.epoch);
    this.n.set(row, version.n);
  }

  laneOf(row: number): Lane | null {
    return this.#laneNumbers.valueOf(this.#lanes.get(row));
  }

  setLane(row: number, lane: Lane | null): void {
    const before = this.#lanes.get(row);
    if (this.#laneNumbers.valueOf(before) === lane) return;
    if (before !== NO_LANE) {
      (this.#laneNumbers.valueOf(before) as Lane).rows.held -= 1;
      this.#laneNumbers.release(before);
    }
    this.#lanes.set(row, lane === null ? NO_LANE : this.#laneNumbers.intern(lane));
    if (lane !== null) lane.rows.held += 1;
  }

  describe(row: number, facts: RowFacts): void {
    this.setLane(row, facts.lane);
    this.set(row, mark.bulk, facts.origin.bulk);
    this.set(row, mark.behindLive, facts.origin.bulk || facts.behindLive === true);
    this.#place(row, undefined);
    this.origin.set(row, facts.origin.offset);
    this.set(row, mark.givenUp, facts.order?.givenUp === true);
    this.#place(row, facts.order === null ? undefined : facts.order.keyHash);
    this.dueAt.set(row, facts.dueAt);
    this.expiresAt.set(row, facts.expiresAt);
    this.sizes.set(row, facts.bytes);
  }

  factsOf(row: number): RowFacts {
    return {
      lane: this.laneOf(row),
      origin: { bulk: this.is(row, mark.bulk), offset: this.origin.get(row) },
      order: this.orderOf(row),
      dueAt: this.dueAt.get(row),
      expiresAt: this.expiresAt.get(row),
      bytes: this.sizes.get(row),
      behindLive: this.is(row, mark.behindLive),
    };
  }

  orderOf(row: number): WorkOrder | null {
    const keyHash = this.orders.keyOf(row);
    if (keyHash === undefined) return null;
    return { keyHash, seq: this.origin.get(row), givenUp: this.is(row, mark.givenUp) };
  }

  /** The row waits from now on: it stands in its lane's chain, and is woken when it is due or expires. */
  wait(row: number): void {
    const { rows } = this.laneOf(row) as Lane;
    if (this.wake.has(row)) return;
    this.previous.set(row, rows.last);
    if (rows.last === NO_ROW) rows.first = row;
    else this.next.set(rows.last, row);
    rows.last = row;
    rows.waiting += 1;
    this.wake.push(row);
  }

  /** It is due: it stands among those that its lane starts next, the oldest first. */
  ready(row: number): void {
    const { rows } = this.laneOf(row) as Lane;
    rows.ready ??= new RowHeap((a, b) => this.#olderThan(a, b), this.readyPlace);
    if (rows.ready.has(row)) return;
    this.#notBehind(row, rows);
    rows.ready.push(row);
    this.wake.moved(row);
  }

  /** It is due, and stands behind something: only its expiry wakes it. */
  holdBack(row: number): void {
    if (this.is(row, mark.behind)) return;
    this.set(row, mark.behind, true);
    (this.laneOf(row) as Lane).rows.behind += 1;
    this.wake.moved(row);
  }

  #notBehind(row: number, rows: LaneRows): void {
    if (this.is(row, mark.behind)) rows.behind -= 1;
    this.set(row, mark.behind, false);
  }

  isReady(row: number): boolean {
    return this.readyPlace.get(row) !== 0;
  }

  /** It does not wait any more. */
  leave(row: number): void {
    if (!this.wake.has(row)) return;
    const { rows } = this.laneOf(row) as Lane;
    rows.ready?.remove(row);
    this.#notBehind(row, rows);
    this.wake.remove(row);
    const before = this.previous.get(row);
    const behind = this.next.get(row);
    if (before === NO_ROW) rows.first = behind;
    else this.next.set(before, behind);
    if (behind === NO_ROW) rows.last = before;
    else this.previous.set(behind, before);
    this.next.set(row, NO_ROW);
    this.previous.set(row, NO_ROW);
    rows.waiting -= 1;
  }

  /**
   * The row that stands behind `row` in the lane's chain; the first one when `row` does not wait there any more, or is
   * `NO_ROW`. `NO_ROW` at the end.
   */
  behind(lane: Lane, row: number): number {
    const stands = row !== NO_ROW && this.wake.has(row) && this.laneOf(row) === lane;
    return stands ? this.next.get(row) : lane.rows.first;
  }

  /** When something is to happen to a row that waits (ms since the Unix epoch). */
  wakeAt(row: number): number {
    const expiresAt = this.expiresAt.get(row);
    return this.isReady(row) || this.is(row, mark.behind) ? expiresAt : Math.min(this.dueAt.get(row), expiresAt);
  }

  /** It was read in full: from now on it counts. */
  loaded(row: number): void {
    this.set(row, mark.loading | mark.overwritten | mark.rowBehind, false);
    this.set(row, mark.acked | mark.read, true);
    this.#place(row, this.orders.keyOf(row));
    this.size += 1;
  }

  /** Memory taken by the index (bytes): texts and lanes are not in it. */
  get bytes(): number {
    return this.#memory.bytes + this.#slots.bytes + this.wake.bytes + this.orders.bytes;
  }

  /** Of what is being loaded there may be older copies, which must not be found. */
  #place(row: number, key: bigint | null | undefined): void {
    const placed = key !== undefined && !this.is(row, mark.loading);
    if (this.is(row, mark.placed) && !placed) this.orders.remove(row);
    if (!this.is(row, mark.placed) && placed) this.orders.add(row);
    this.set(row, mark.placed, placed);
    this.orders.setKey(row, key);
  }

  /** The same key is asked for several times in a row. */
  #want(key: string): void {
    if (key === this.#wantedKey) return;
    packKey(key, this.#wanted);
    this.#wantedKey = key;
  }

  #find(key: string, marks: number): number {
    this.#want(key);
    this.#wantedMarks = marks;
    return this.#slots.find(hashOfPacked(this.#wanted), this.#isWanted);
  }

  readonly #isWanted = (row: number): boolean => {
    const { words, rest } = this.#wanted;
    const [a, b, c, d] = this.#words;
    if (a.get(row) !== words[0] || b.get(row) !== words[1] || c.get(row) !== words[2] || d.get(row) !== words[3])
      return false;
    const marks = this.#marks.get(row);
    const same = (marks & mark.loading) === 0 ? 0 : marks & (mark.loading | TIER_MASK);
    return same === this.#wantedMarks && this.#restTexts.valueOf(this.#rests.get(row)) === rest;
  };

  #hashOf(row: number): number {
    const [a, b, c, d] = this.#words;
    return hashOfKey(a.get(row), b.get(row), c.get(row), d.get(row), this.#restTexts.valueOf(this.#rests.get(row)));
  }

  #setEpoch(row: number, epoch: number): void {
    const before = this.#epochs.get(row);
    if (this.#epochNumbers.valueOf(before) === epoch) return;
    if (before !== 0) this.#epochNumbers.release(before);
    this.#epochs.set(row, epoch === -1 ? 0 : this.#epochNumbers.intern(epoch));
  }

  #wakesBefore(a: number, b: number): boolean {
    const [first, second] = [this.wakeAt(a), this.wakeAt(b)];
    return first < second || (first === second && a < b);
  }

  /** Older: read earlier; but live work before what stands behind it. */
  #olderThan(a: number, b: number): boolean {
    const behind = this.is(a, mark.behindLive);
    if (behind !== this.is(b, mark.behindLive)) return !behind;
    const [first, second] = [this.origin.get(a), this.origin.get(b)];
    return first < second || (first === second && a < b);
  }

  #grow(): void {
    this.#memory.grow();
    const from = this.#capacity;
    this.#capacity += ROWS_PER_PIECE;
    // The lowest is taken first; 0 is never given away.
    for (let row = this.#capacity - 1; row >= Math.max(1, from); row -= 1) {
      this.next.set(row, this.#free);
      this.#free = row;
    }
  }
}
