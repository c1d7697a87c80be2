const PARTS = 64;
const FIRST_SIZE = 8;
const FULL_FRACTION = 0.75;

/**
 * Row ids by hash: open addressing in parts that double one by one, so that a table of millions of rows never stops to
 * grow. What a hash and a row are is the caller's.
 */
export class RowSlots {
  size = 0;
  readonly #hashOf: (row: number) => number;
  readonly #fullFraction: number;
  #parts: (Uint32Array | undefined)[] = [];
  #counts = new Uint32Array(PARTS);

  /** `fullFraction`: of its slots, as many are taken at most. Of a row that is not there, those of others are looked at: eight at ¾, two at ½. */
  constructor(hashOf: (row: number) => number, fullFraction: number = FULL_FRACTION) {
    this.#hashOf = hashOf;
    this.#fullFraction = fullFraction;
  }

  /** The row of this hash for which `is` holds; 0 when there is none. */
  find(hash: number, is: (row: number) => boolean): number {
    const part = this.#parts[hash % PARTS];
    if (part === undefined) return 0;
    const mask = part.length - 1;
    for (let at = slotOf(hash, mask); ; at = (at + 1) & mask) {
      const row = part[at] as number;
      if (row === 0 || is(row)) return row;
    }
  }

  add(row: number): void {
    const hash = this.#hashOf(row);
    const index = hash % PARTS;
    let part = this.#parts[index];
    const count = (this.#counts[index] as number) + 1;
    if (part === undefined || count > part.length * this.#fullFraction) part = this.#grow(index);
    insert(part, hash, row);
    this.#counts[index] = count;
    this.size += 1;
  }

  /** The row must be in it. */
  remove(row: number): void {
    const hash = this.#hashOf(row);
    const index = hash % PARTS;
    const part = this.#parts[index] as Uint32Array;
    const mask = part.length - 1;
    let hole = slotOf(hash, mask);
    while (part[hole] !== row) hole = (hole + 1) & mask;
    // What stands behind moves up as long as it does not pass its own place: no slot is ever "deleted".
    for (let at = (hole + 1) & mask; part[at] !== 0; at = (at + 1) & mask) {
      const home = slotOf(this.#hashOf(part[at] as number), mask);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      part[hole] = part[at] as number;
      hole = at;
    }
    part[hole] = 0;
    this.#counts[index] = (this.#counts[index] as number) - 1;
    this.size -= 1;
  }

  clear(): void {
    this.#parts = [];
    this.#counts.fill(0);
    this.size = 0;
  }

  get bytes(): number {
    return this.#parts.reduce((sum, part) => sum + (part?.byteLength ?? 0), this.#counts.byteLength);
  }

  #grow(index: number): Uint32Array {
    const old = this.#parts[index];
    const part = new Uint32Array(old === undefined ? FIRST_SIZE : old.length * 2);
    for (const row of old ?? []) if (row !== 0) insert(part, this.#hashOf(row), row);
    this.#parts[index] = part;
    return part;
  }
}

function slotOf(hash: number, mask: number): number {
  return Math.floor(hash / PARTS) & mask;
}

function insert(part: Uint32Array, hash: number, row: number): void {
  const mask = part.length - 1;
  let at = slotOf(hash, mask);
  while (part[at] !== 0) at = (at + 1) & mask;
  part[at] = row;
}
