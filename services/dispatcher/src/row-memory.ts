/** One field of many rows, by row id. Zero in a row that was never set. */
export interface Column {
  get(row: number): number;
  set(row: number, value: number): void;
}

/** Rows in one piece: what is taken at once when a table grows, without moving what stands. */
export const ROWS_PER_PIECE = 512;
const SHIFT = 9;
const MASK = ROWS_PER_PIECE - 1;

/** How many fields a row has: numbers of any kind, and numbers of 32 bits without a sign. */
export interface RowFields {
  readonly doubles: number;
  readonly words: number;
}

/**
 * Typed memory of many rows, in pieces. The fields of one row stand side by side, since what is done to a row touches most
 * of them and each place in memory that is far from the others costs a wait.
 */
export class RowMemory {
  readonly #bytesPerRow: number;
  readonly #buffers: ArrayBuffer[] = [];
  readonly #doubles: Pieces<Float64Array>;
  readonly #words: Pieces<Uint32Array>;

  constructor({ doubles, words }: RowFields) {
    // Doubles stand first, and a row takes whole ones.
    this.#bytesPerRow = 8 * (doubles + Math.ceil(words / 2));
    this.#doubles = { arrays: [], perRow: this.#bytesPerRow / 8, next: 0, end: doubles };
    this.#words = { arrays: [], perRow: this.#bytesPerRow / 4, next: 2 * doubles, end: 2 * doubles + words };
  }

  /** The next field that holds any number. */
  double(): Column {
    return new DoubleColumn(this.#doubles, nextOf(this.#doubles));
  }

  /** The next field of 32 bits. */
  word(): Column {
    return new WordColumn(this.#words, nextOf(this.#words));
  }

  /** Room for `ROWS_PER_PIECE` more rows, all zero. */
  grow(): void {
    const buffer = new ArrayBuffer(ROWS_PER_PIECE * this.#bytesPerRow);
    this.#buffers.push(buffer);
    this.#doubles.arrays.push(new Float64Array(buffer));
    this.#words.arrays.push(new Uint32Array(buffer));
  }

  get bytes(): number {
    return this.#buffers.length * ROWS_PER_PIECE * this.#bytesPerRow;
  }
}

/** All pieces as arrays of one kind. */
interface Pieces<A> {
  readonly arrays: A[];
  readonly perRow: number;
  next: number;
  readonly end: number;
}

function nextOf(pieces: Pieces<unknown>): number {
  if (pieces.next === pieces.end) throw new Error('a row has no more fields of this kind');
  return pieces.next++;
}

/** A class for each kind of array: code that sees both would be slow for either. */
class DoubleColumn implements Column {
  readonly #arrays: readonly Float64Array[];
  readonly #perRow: number;
  readonly #at: number;

  constructor({ arrays, perRow }: Pieces<Float64Array>, at: number) {
    this.#arrays = arrays;
    this.#perRow = perRow;
    this.#at = at;
  }

  get(row: number): number {
    return (this.#arrays[row >>> SHIFT] as Float64Array)[(row & MASK) * this.#perRow + this.#at] as number;
  }

  set(row: number, value: number): void {
    (this.#arrays[row >>> SHIFT] as Float64Array)[(row & MASK) * this.#perRow + this.#at] = value;
  }
}

class WordColumn implements Column {
  readonly #arrays: readonly Uint32Array[];
  readonly #perRow: number;
  readonly #at: number;

  constructor({ arrays, perRow }: Pieces<Uint32Array>, at: number) {
    this.#arrays = arrays;
    this.#perRow = perRow;
    this.#at = at;
  }

  get(row: number): number {
    return (this.#arrays[row >>> SHIFT] as Uint32Array)[(row & MASK) * this.#perRow + this.#at] as number;
  }

  set(row: number, value: number): void {
    (this.#arrays[row >>> SHIFT] as Uint32Array)[(row & MASK) * this.#perRow + this.#at] = value;
  }
}
