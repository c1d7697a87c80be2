import { ROWS_PER_PIECE, RowMemory } from './row-memory.ts';
import { RowSlots } from './row-slots.ts';
import { createPackedKey, hashOfKey, hashOfPacked, packKey } from './work-key.ts';
import type { IntakeTopic } from './intake-ledger.ts';

/**
 * Keys of deliveries that were read or ended a short while ago, so that a router's repeat is known (design rules 6, 15).
 * They age by what is read and not by a clock: a router repeats within a time of the log, and an owner whose reading stood
 * still, or is behind, comes to the repeat late.
 */
export interface RecentKeys {
  /** Reading of the topic has come to a record of this time (the broker's, ms since the Unix epoch). */
  readTo(topic: IntakeTopic, time: number): void;
  /** `topic`: where the delivery's record stands. */
  add(topic: IntakeTopic, key: string): void;
  has(key: string): boolean;
}

export interface RecentKeysBounds {
  /** Of each topic. */
  readonly keysMax: number;
  readonly ageMs: number;
}

/** Keeps, of each topic, at most `keysMax` keys, and each until reading has gone on by `ageMs` while there is room. */
export function createRecentKeys(bounds: RecentKeysBounds): RecentKeys {
  const ofTopic = { deliveries: new KeysOfTopic(bounds), 'deliveries.bulk': new KeysOfTopic(bounds) };
  return {
    readTo: (topic, time) => ofTopic[topic].readTo(time),
    add: (topic, key) => ofTopic[topic].add(key),
    has: (key) => ofTopic.deliveries.has(key) || ofTopic['deliveries.bulk'].has(key),
  };
}

/** Nearly every key that is asked for is not there. */
const SLOTS_FULL_FRACTION = 0.5;
/** No entry: entries are counted from 1. */
const NONE = 0;

/**
 * In typed memory, like rows: there are hundreds of thousands of these keys in a busy process, and as texts in a map they
 * were most of what each collection of garbage went through.
 */
class KeysOfTopic {
  readonly #bounds: RecentKeysBounds;
  readonly #memory = new RowMemory({ doubles: 1, words: 6 });
  readonly #at = this.#memory.double();
  readonly #words = [this.#memory.word(), this.#memory.word(), this.#memory.word(), this.#memory.word()] as const;
  readonly #older = this.#memory.word();
  /** Of a free entry the next that is free. */
  readonly #newer = this.#memory.word();
  /** What follows the delivery id, of the few keys where anything does. */
  readonly #rests = new Map<number, string>();
  readonly #slots = new RowSlots((entry) => this.#hashOf(entry), SLOTS_FULL_FRACTION);
  readonly #wanted = createPackedKey();
  readonly #isWanted = (entry: number): boolean => {
    const { words, rest } = this.#wanted;
    const [a, b, c, d] = this.#words;
    if (a.get(entry) !== words[0] || b.get(entry) !== words[1]) return false;
    return c.get(entry) === words[2] && d.get(entry) === words[3] && this.#restOf(entry) === rest;
  };
  #oldest = NONE;
  #newest = NONE;
  #free = NONE;
  #capacity = 0;
  #now = 0;

  constructor(bounds: RecentKeysBounds) {
    this.#bounds = bounds;
  }

  readTo(time: number): void {
    // Brokers that lead a partition in turn do not agree about the time to the millisecond.
    if (time > this.#now) this.#now = time;
  }

  has(key: string): boolean {
    return this.#slots.size > 0 && this.#find(key) !== NONE;
  }

  add(key: string): void {
    const before = this.#find(key);
    if (before !== NONE) this.#forget(before);
    this.#append();
    // Two at a time are enough to shrink while one is added.
    this.#forgetOne();
    this.#forgetOne();
  }

  #find(key: string): number {
    packKey(key, this.#wanted);
    return this.#slots.find(hashOfPacked(this.#wanted), this.#isWanted);
  }

  /** The key that was looked for is the newest. */
  #append(): void {
    if (this.#free === NONE) this.#grow();
    const entry = this.#free;
    this.#free = this.#newer.get(entry);
    const { words, rest } = this.#wanted;
    const [a, b, c, d] = this.#words;
    a.set(entry, words[0] as number);
    b.set(entry, words[1] as number);
    c.set(entry, words[2] as number);
    d.set(entry, words[3] as number);
    if (rest !== '') this.#rests.set(entry, rest);
    this.#at.set(entry, this.#now);
    this.#older.set(entry, this.#newest);
    this.#newer.set(entry, NONE);
    if (this.#newest === NONE) this.#oldest = entry;
    else this.#newer.set(this.#newest, entry);
    this.#newest = entry;
    this.#slots.add(entry);
  }

  /** Forgets the oldest key if it is too old, or one too many. */
  #forgetOne(): void {
    const { keysMax, ageMs } = this.#bounds;
    const oldest = this.#oldest;
    if (oldest === NONE || (this.#slots.size <= keysMax && this.#now - this.#at.get(oldest) <= ageMs)) return;
    this.#forget(oldest);
  }

  #forget(entry: number): void {
    this.#slots.remove(entry);
    this.#rests.delete(entry);
    const older = this.#older.get(entry);
    const newer = this.#newer.get(entry);
    if (older === NONE) this.#oldest = newer;
    else this.#newer.set(older, newer);
    if (newer === NONE) this.#newest = older;
    else this.#older.set(newer, older);
    this.#newer.set(entry, this.#free);
    this.#free = entry;
  }

  #grow(): void {
    this.#memory.grow();
    const from = this.#capacity;
    this.#capacity += ROWS_PER_PIECE;
    for (let entry = this.#capacity - 1; entry >= Math.max(1, from); entry -= 1) {
      this.#newer.set(entry, this.#free);
      this.#free = entry;
    }
  }

  #hashOf(entry: number): number {
    const [a, b, c, d] = this.#words;
    return hashOfKey(a.get(entry), b.get(entry), c.get(entry), d.get(entry), this.#restOf(entry));
  }

  #restOf(entry: number): string {
    return this.#rests.size === 0 ? '' : (this.#rests.get(entry) ?? '');
  }
}
