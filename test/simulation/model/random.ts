/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** At least 0, below 1. */
  unit(): number;
  /** A whole number of at least 0, below `n`. */
  below(n: number): number;
  chance(probability: number): boolean;
  pick<T>(values: readonly T[]): T;
}

/** Numbers by the generator mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (n: number): number => Math.floor(unit() * n);
  return {
    unit,
    below,
    chance: (probability) => unit() < probability,
    pick: (values) => values[below(values.length)] as (typeof values)[number],
  };
}
