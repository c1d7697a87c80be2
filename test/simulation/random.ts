import { mulberry32 } from './mulberry32.ts';

/** Numbers that a seed tells in advance, and what is drawn from them. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** One of the names, each as likely as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T;
  bytes(count: number): Buffer;
}

/** The stream of a seed that has this name. Streams do not influence each other, however much is drawn. */
export function randomOf(seed: number, name: string): Random {
  const next = mulberry32(Math.imul(seed, 0x9e3779b1) ^ hashOf(name));
  const int = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick(items) {
      if (items.length === 0) throw new RangeError('there is nothing to pick from');
      return items[int(0, items.length - 1)] as (typeof items)[number];
    },
    weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
      const entries = Object.entries<number>(weights);
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) if ((left -= weight) < 0) return name as T;
      return entries.at(-1)?.[0] as T;
    },
    bytes(count) {
      const drawn = Buffer.alloc(count);
      for (let at = 0; at < count; at += 1) drawn[at] = next() * 256;
      return drawn;
    },
  };
}

/** A whole number of 32 bits that stands for a text. */
export function hashOf(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
