/** Marks of offsets within a bounded stretch that moves upwards. Each offset has one bit, at its place modulo the length. */
export interface BitRing {
  /** Offsets that are told apart: any stretch of this length. */
  readonly length: number;
  has(offset: number): boolean;
  add(offset: number): void;
  delete(offset: number): void;
}

/** A ring without marks. */
export function createBitRing(lengthMin: number): BitRing {
  const length = 2 ** Math.ceil(Math.log2(Math.max(8, lengthMin)));
  const bytes = new Uint8Array(length / 8);
  return {
    length,
    has(offset) {
      const bit = offset % length;
      return ((bytes[bit >>> 3] as number) & (1 << (bit & 7))) !== 0;
    },
    add(offset) {
      const bit = offset % length;
      bytes[bit >>> 3] = (bytes[bit >>> 3] as number) | (1 << (bit & 7));
    },
    delete(offset) {
      const bit = offset % length;
      bytes[bit >>> 3] = (bytes[bit >>> 3] as number) & ~(1 << (bit & 7));
    },
  };
}
