import { createLaneOrder } from '@postrider/core';
import { NO_ROW, mark, type RowIndex } from './row-index.ts';
import type { Lane } from './lane.ts';
import type { Slices } from './slices.ts';
import type { Work, WorkOrder } from './work.ts';

/** Where something stands: its lane, and its place in it; null: in no order. */
export interface Placed {
  readonly lane: Lane | null;
  readonly order: WorkOrder | null;
}

/**
 * Whose turn it is where order is asked for (design rule 16): of all that has not ended in a lane the delivery with the
 * lowest offset on `deliveries`, once every tier is loaded and, if it has a row, everything before it was read.
 */
export interface Ordering {
  /** Every tier is loaded: until then nothing that is ordered may start or be put, for what goes before it may not be known. */
  readonly loaded: boolean;
  /** A first attempt that has no row is known from now on. */
  arrive(work: Work): void;
  /** It has a row from now on. */
  gotRow(work: Work): void;
  /** A row is known from now on: it was loaded. */
  load(row: Placed): void;
  /** A delivery has another place from now on, or none. */
  leave(delivery: Placed): void;
  /** It has ended: the next may have its turn. */
  ended(delivery: Placed): void;
  isTurn(delivery: Placed, hasRow: boolean): boolean;
  /** Whether what stands before a first attempt waits in a tier, and for more than its lane's next turn. */
  isBehindWaiting(work: Work, now: number): boolean;
  /** Everything on `deliveries` below this offset was read. */
  readTo(offset: number): void;
  allLoaded(): void;
  /** The lane's configuration changed: what stands first in it is looked at again. */
  reconsider(lane: Lane): void;
}

/** What order is kept over. */
export interface OrderingOptions {
  /** Where reading of `deliveries` begins. */
  readonly start: number;
  readonly rows: RowIndex;
  readonly slices: Slices;
  /** It may be the turn of this idle first attempt, or of this row, which waits. */
  readonly wakeArrival: (work: Work) => void;
  readonly wakeRow: (row: number) => void;
}

/** Deliveries that are woken before the time is looked at again: after a takeover there may be one for each key. */
const WAKES_PER_STEP = 32;

/** An order of nothing. */
export function createOrdering(options: OrderingOptions): Ordering {
  return new OneOrdering(options);
}

class OneOrdering implements Ordering {
  loaded = false;
  readonly #o: OrderingOptions;
  /** First attempts that have no row, by offset on `deliveries`, which is the same for all lanes of the partition. */
  readonly #arrivals = new Map<number, Work>();
  readonly #lanes = new Set<Lane>();
  /** Rows that are first in their lanes, while not everything before them was read. */
  readonly #unread = new Set<number>();
  #position: number;

  constructor(options: OrderingOptions) {
    this.#o = options;
    this.#position = options.start;
  }

  arrive(work: Work): void {
    if (work.order === null) return;
    this.#enter(work);
    this.#arrivals.set(work.order.seq, work);
  }

  gotRow({ order }: Work): void {
    if (order !== null) this.#arrivals.delete(order.seq);
  }

  load(row: Placed): void {
    this.#enter(row);
  }

  leave({ lane, order }: Placed): void {
    if (order === null || lane === null || lane.order === null) return;
    this.#arrivals.delete(order.seq);
    this.#unread.delete(order.seq);
    lane.order.remove(order);
    if (lane.order.size > 0) return;
    lane.order = null;
    this.#lanes.delete(lane);
  }

  ended(delivery: Placed): void {
    this.leave(delivery);
    const { lane, order } = delivery;
    if (order !== null && lane !== null && lane.order !== null) this.#wakeAll(lane.order.after(order));
  }

  isTurn({ lane, order }: Placed, hasRow: boolean): boolean {
    if (order === null || lane === null) return true;
    if (!this.loaded || lane.order?.firstFor(order) !== order.seq) return false;
    if (!hasRow || order.seq < this.#position) return true;
    this.#unread.add(order.seq);
    return false;
  }

  isBehindWaiting({ lane, order }: Work, now: number): boolean {
    if (order === null || lane === null || lane.order === null) return false;
    const { rows } = this.#o;
    const row = rows.orders.find(lane.order.firstFor(order));
    if (row === NO_ROW || rows.is(row, mark.taken)) return false;
    return rows.dueAt.get(row) > now || rows.is(row, mark.givenUp) || lane.gate.kind !== 'open';
  }

  readTo(offset: number): void {
    if (offset <= this.#position) return;
    this.#position = offset;
    if (this.#unread.size === 0) return;
    const read = [...this.#unread].filter((seq) => seq < offset);
    for (const seq of read) this.#unread.delete(seq);
    this.#wakeAll(read);
  }

  allLoaded(): void {
    this.loaded = true;
    this.#wakeAll([...this.#lanes].flatMap(({ order }) => [...(order?.heads() ?? [])]));
  }

  reconsider(lane: Lane): void {
    if (lane.order !== null) this.#wakeAll(lane.order.heads());
  }

  #enter({ lane, order }: Placed): void {
    if (lane === null || order === null) return;
    lane.order ??= createLaneOrder();
    lane.order.add(order);
    this.#lanes.add(lane);
  }

  /** Waking one may end it, and so change what is gone through: a list is made first. Who is woken asks whose turn it is. */
  #wakeAll(seqs: Iterable<number>): void {
    const list = [...seqs];
    let next = 0;
    const step = (): boolean => {
      const end = Math.min(list.length, next + WAKES_PER_STEP);
      while (next < end) this.#wake(list[next++] as number);
      return next < list.length;
    };
    if (step()) this.#o.slices.run(step);
  }

  #wake(seq: number): void {
    const { rows, wakeArrival, wakeRow } = this.#o;
    const work = this.#arrivals.get(seq);
    if (work?.state === 'idle') wakeArrival(work);
    if (work !== undefined) return;
    const row = rows.orders.find(seq);
    // What is being put again, or ends, is looked at when that is over.
    if (row !== NO_ROW && !rows.is(row, mark.taken)) wakeRow(row);
  }
}
