import { Interner } from './interner.ts';
import { RowSlots } from './row-slots.ts';
import type { Column } from './row-memory.ts';

/** Which order rows stand in, and which row stands at a place of it. */
export class RowOrders {
  readonly #seqs: Column;
  readonly #numbers: Column;
  readonly #keys = new Interner<bigint | null | undefined>();
  readonly #slots: RowSlots;
  #wanted = 0;

  /** `seqs`: the offsets on `deliveries` of all rows; `numbers`: a field for the orders' own use. */
  constructor(seqs: Column, numbers: Column) {
    this.#seqs = seqs;
    this.#numbers = numbers;
    this.#slots = new RowSlots((row) => hashOf(seqs.get(row)));
    // Number 0 stands for no order and is never released.
    this.#keys.intern(undefined);
  }

  /** Hash of the row's ordering key; null: its order is the whole endpoint's; undefined: it stands in none. */
  keyOf(row: number): bigint | null | undefined {
    return this.#keys.valueOf(this.#numbers.get(row));
  }

  setKey(row: number, key: bigint | null | undefined): void {
    const before = this.#numbers.get(row);
    if (this.#keys.valueOf(before) === key) return;
    this.#numbers.set(row, key === undefined ? 0 : this.#keys.intern(key));
    if (before !== 0) this.#keys.release(before);
  }

  /** The row that stands at this place; 0 when there is none. */
  find(seq: number): number {
    if (this.#slots.size === 0) return 0;
    this.#wanted = seq;
    return this.#slots.find(hashOf(seq), this.#isWanted);
  }

  /** The row can be found by its place from now on. */
  add(row: number): void {
    this.#slots.add(row);
  }

  /** The row must have been added. */
  remove(row: number): void {
    this.#slots.remove(row);
  }

  get bytes(): number {
    return this.#slots.bytes;
  }

  readonly #isWanted = (row: number): boolean => this.#seqs.get(row) === this.#wanted;
}

/** Neighbouring offsets must not crowd neighbouring slots. */
function hashOf(seq: number): number {
  return Math.imul(seq >>> 0, 0x9e3779b1) >>> 0;
}
