/** What one cell of a column holds. */
export type Cells = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** Rows in one piece of a column: what is taken at once when a table grows, without moving what stands. */
export const ROWS_PER_PIECE = 1_024;
const SHIFT = 10;
const MASK = ROWS_PER_PIECE - 1;

/** One field of many rows, by row id: typed memory in pieces, so that a table of millions of rows grows without a stall. */
export class Column<A extends Cells> {
  readonly #piece: new (length: number) => A;
  #pieces: A[] = [];

  constructor(piece: new (length: number) => A) {
    this.#piece = piece;
  }

  get(row: number): number {
    return (this.#pieces[row >>> SHIFT] as A)[row & MASK] as number;
  }

  set(row: number, value: number): void {
    (this.#pieces[row >>> SHIFT] as A)[row & MASK] = value;
  }

  /** Room for `ROWS_PER_PIECE` more rows, all zero. */
  grow(): void {
    this.#pieces.push(new this.#piece(ROWS_PER_PIECE));
  }

  /** No rows. */
  clear(): void {
    this.#pieces = [];
  }

  get bytes(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  }
}
