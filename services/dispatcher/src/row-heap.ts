import type { Column } from './row-memory.ts';

const FIRST_SIZE = 8;

/**
 * A heap of row ids, the least on top. Where each stands is kept in a column (place + 1; 0: not in it), so that any of
 * them can be taken out: no entry is ever stale.
 */
export class RowHeap {
  size = 0;
  readonly #before: (a: number, b: number) => boolean;
  readonly #place: Column;
  #rows = new Uint32Array(FIRST_SIZE);

  /** `before`: a total order of the rows that stand in the heap; when a row's place in it changes, `moved` is called. */
  constructor(before: (a: number, b: number) => boolean, place: Column) {
    this.#before = before;
    this.#place = place;
  }

  /** The least; 0 when there is none. */
  get top(): number {
    return this.size === 0 ? 0 : (this.#rows[0] as number);
  }

  has(row: number): boolean {
    return this.#place.get(row) !== 0;
  }

  push(row: number): void {
    if (this.size === this.#rows.length) this.#resize(this.size + (this.size >>> 1));
    this.size += 1;
    this.#up(this.size - 1, row);
  }

  /** Takes a row out; harmless when it is not in it. */
  remove(row: number): void {
    const at = this.#place.get(row) - 1;
    if (at < 0) return;
    this.#place.set(row, 0);
    this.size -= 1;
    const last = this.#rows[this.size] as number;
    if (last !== row) this.#settle(at, last);
    if (this.size < this.#rows.length >>> 2 && this.#rows.length > FIRST_SIZE) this.#resize(this.#rows.length >>> 1);
  }

  /** Takes the least out; 0 when there is none. */
  pop(): number {
    const row = this.top;
    if (row !== 0) this.remove(row);
    return row;
  }

  /** The row's place in the order has changed. */
  moved(row: number): void {
    const at = this.#place.get(row) - 1;
    if (at >= 0) this.#settle(at, row);
  }

  get bytes(): number {
    return this.#rows.byteLength;
  }

  #settle(at: number, row: number): void {
    if (at > 0 && this.#before(row, this.#rows[(at - 1) >>> 1] as number)) this.#up(at, row);
    else this.#down(at, row);
  }

  #up(from: number, row: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = this.#rows[parent] as number;
      if (!this.#before(row, above)) break;
      this.#put(at, above);
      at = parent;
    }
    this.#put(at, row);
  }

  #down(from: number, row: number): void {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && this.#before(this.#rows[child + 1] as number, this.#rows[child] as number))
        child += 1;
      const below = this.#rows[child] as number;
      if (!this.#before(below, row)) break;
      this.#put(at, below);
      at = child;
    }
    this.#put(at, row);
  }

  #put(at: number, row: number): void {
    this.#rows[at] = row;
    this.#place.set(row, at + 1);
  }

  #resize(size: number): void {
    const rows = new Uint32Array(Math.max(FIRST_SIZE, size));
    rows.set(this.#rows.subarray(0, this.size));
    this.#rows = rows;
  }
}
