import { createFifo, type Fifo } from './fifo.ts';
import type { Work } from './work.ts';

/** First attempts of one lane from one topic, in the order of reading. What is taken out of the middle leaves a stale entry. */
export interface ArrivalQueue {
  readonly topic: QueuedTopic;
  readonly entries: Fifo<Work>;
  /** How many of them are no stale entries. */
  count: number;
}

/** Where a queued first attempt comes from: `deliveries` or `deliveries.bulk`. */
export type QueuedTopic = 'arrivals' | 'bulk';

/** Entries of a queue that may be stale before it is looked through; then no more than there are others. */
const STALE_ENTRIES_MAX = 16;

/** An empty queue. */
export function createArrivalQueue(topic: QueuedTopic): ArrivalQueue {
  return { topic, entries: createFifo(), count: 0 };
}

/** The oldest that stands in the queue; it is taken out, and its caller says so in the work. */
export function shiftArrival({ topic, entries }: ArrivalQueue): Work | undefined {
  for (let work = entries.shift(); work !== undefined; work = entries.shift()) if (work.queuedIn === topic) return work;
  return undefined;
}

/** A lane that starts no first attempt for long passes no stale entry, and each holds the bytes of what was put. */
export function dropStale({ topic, entries, count }: ArrivalQueue): void {
  if (entries.length <= 2 * count + STALE_ENTRIES_MAX) return;
  // What was queued anew has an entry for each time.
  const queued = new Set<Work>();
  for (let work = entries.shift(); work !== undefined; work = entries.shift())
    if (work.queuedIn === topic) queued.add(work);
  for (const work of queued) entries.push(work);
}
