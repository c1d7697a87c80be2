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

function keysOfTopic({ keysMax, ageMs }: RecentKeysBounds) {
  // A Map keeps its keys in the order of insertion: the oldest stand in front.
  const addedAt = new Map<string, number>();
  let now = 0;
  return {
    readTo(time: number): void {
      // Brokers that lead a partition in turn do not agree about the time to the millisecond.
      if (time > now) now = time;
    },
    add(key: string): void {
      addedAt.delete(key);
      addedAt.set(key, now);
      // Two at a time are enough to shrink while one is added.
      let left = 2;
      for (const [oldest, since] of addedAt) {
        if (left-- === 0 || (addedAt.size <= keysMax && now - since <= ageMs)) break;
        addedAt.delete(oldest);
      }
    },
    has: (key: string): boolean => addedAt.has(key),
  };
}
