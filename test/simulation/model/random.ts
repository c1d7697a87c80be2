import { mulberry32 } from '../mulberry32.ts';

/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** At least 0, below 1. */
  unit(): number;
  /** A whole number of at least 0, below `n`. */
  below(n: number): number;
  chance(probability: number): boolean;
  pick<T>(values: readonly T[]): T;
}

/** The numbers of a seed. */
export function createRandom(seed: number): Random {
  const unit = mulberry32(seed);
  const below = (n: number): number => Math.floor(unit() * n);
  return {
    unit,
    below,
    chance: (probability) => unit() < probability,
    pick: (values) => values[below(values.length)] as (typeof values)[number],
  };
}
