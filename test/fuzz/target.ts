/** A number of [0, 1); the same for the same seed. */
export type Random = () => number;

/** Something that takes what strangers write. */
export interface FuzzTarget {
  readonly does: string;
  /** Inputs that once broke it, or nearly; tried first in every run. */
  readonly found: readonly string[];
  next(random: Random): string;
  /** @throws what is broken, or an assertion that names the promise */
  check(input: string): void;
}

export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

/** A whole number from 0 up to but without `end`. */
export const below = (random: Random, end: number): number => Math.floor(random() * end);

/** `text` with one to four small changes: something put in, taken out, doubled or replaced. */
export function mutate(text: string, pieces: readonly string[], random: Random): string {
  let changed = text;
  for (let times = 1 + below(random, 4); times > 0; times--) {
    const from = below(random, changed.length + 1);
    const to = Math.min(changed.length, from + below(random, 6));
    const between = pick(random, ['', pick(random, pieces), pick(random, pieces), changed.slice(from, to).repeat(2)]);
    changed = changed.slice(0, from) + between + changed.slice(pick(random, [from, to]));
  }
  return changed;
}
