import { createFifo } from './fifo.ts';
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
  const ofTopic = { deliveries: keysOfTopic(bounds), 'deliveries.bulk': keysOfTopic(bounds) };
  return {
    readTo: (topic, time) => ofTopic[topic].readTo(time),
    add: (topic, key) => ofTopic[topic].add(key),
    has: (key) => ofTopic.deliveries.has(key) || ofTopic['deliveries.bulk'].has(key),
  };
}

interface Added {
  readonly key: string;
  readonly at: number;
}

function keysOfTopic({ keysMax, ageMs }: RecentKeysBounds) {
  const added = new Map<string, Added>();
  // A queue beside the map: going through a map from its oldest key passes all that were deleted since it was last made anew.
  const order = createFifo<Added>();
  let now = 0;

  /** Forgets the oldest key if it is too old, or one too many. */
  function forgetOne(): void {
    for (let oldest = order.peek(); oldest !== undefined; oldest = order.peek()) {
      const isNewest = added.get(oldest.key) === oldest;
      if (isNewest && added.size <= keysMax && now - oldest.at <= ageMs) return;
      order.shift();
      if (isNewest) return void added.delete(oldest.key);
    }
  }

  return {
    readTo(time: number): void {
      // Brokers that lead a partition in turn do not agree about the time to the millisecond.
      if (time > now) now = time;
    },
    add(key: string): void {
      const entry = { key, at: now };
      added.set(key, entry);
      order.push(entry);
      // Two at a time are enough to shrink while one is added.
      forgetOne();
      forgetOne();
    },
    has: (key: string): boolean => added.has(key),
  };
}
