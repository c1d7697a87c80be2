import type { Ack, KafkaError, OutgoingRecord } from './port.ts';

/** A record on its way, and whom to tell. */
export interface Pending {
  record: OutgoingRecord;
  readonly bytes: number;
  done: (error: KafkaError | null, ack: Ack | null) => void;
  /** `done` was called. */
  settled: boolean;
}

const noRecord: OutgoingRecord = { topic: '', partition: 0, key: null, value: null };
const tellNobody = (): void => undefined;

/**
 * It is settled; gives whom to tell. It names neither its record nor them any more: what has come to lie in memory that is
 * collected seldom would keep all that it names alive until then, and have it moved there as well.
 */
export function settled(item: Pending): Pending['done'] {
  const { done } = item;
  item.settled = true;
  item.record = noRecord;
  item.done = tellNobody;
  return done;
}

/** The records of one partition in the order of the calls. What is claimed stays at the head until it is released. */
export interface PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Records at the head that are in flight. */
  readonly claimed: number;
  /** Records that are not released yet, those in flight included. */
  readonly size: number;
  /** At most so many records in the next batch: less than Infinity after the broker refused a batch as a whole. */
  recordsMax: number;
  /** Failed sends in a row. */
  failures: number;
  /** Nothing is sent for a while after a failure. */
  resting: boolean;
  /** The leader must be looked up again before the next send. */
  stale: boolean;
  /** Monotonic time since which the cluster says that there is no such partition. */
  unknownSince: number | null;
  push(item: Pending): void;
  /** Claims the longest head that fits; with `alone` at least one record, whatever its size. */
  claim(recordsMax: number, bytesMax: number, alone: boolean): { readonly records: number; readonly bytes: number };
  /** The claimed records that are not settled yet. */
  claimedItems(): readonly Pending[];
  /** All records that are not settled yet. */
  waiting(): Iterable<Pending>;
  /** Gives up the claim from this record on; how many before it stay claimed. */
  unclaim(from: Pending): number;
  /** Ends the claim; the first `settled` records leave the queue. */
  release(settled: number): void;
  /** A send succeeded. */
  recovered(): void;
}

/** Brokers judge the batch of one partition by `max.message.bytes` (1 MiB by default): stay well below it. */
const BATCH_BYTES_MAX = 512 * 1024;
/** Beyond this many released records at the front, the array is cut. */
const DEAD_HEAD_MAX = 1_024;

/** An empty queue. */
export function partitionQueue(topic: string, partition: number): PartitionQueue {
  return new Queue(topic, partition);
}

/** What a record weighs in limits: key, value and headers in bytes, without the batch's own overhead. */
export function recordBytes(record: OutgoingRecord): number {
  let bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const name in record.headers) {
    const value = record.headers[name];
    if (Buffer.isBuffer(value)) bytes += name.length + value.length;
    else for (const one of value ?? []) bytes += name.length + one.length;
  }
  return bytes;
}

class Queue implements PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  claimed = 0;
  recordsMax = Infinity;
  failures = 0;
  resting = false;
  stale = false;
  unknownSince: number | null = null;
  /** Released slots name nothing. */
  #items: (Pending | undefined)[] = [];
  #head = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: Pending): void {
    this.#items.push(item);
  }

  claim(recordsMax: number, bytesMax: number, alone: boolean): { records: number; bytes: number } {
    const most = Math.min(recordsMax, this.recordsMax, this.size);
    let records = 0;
    let bytes = 0;
    while (records < most) {
      const item = this.#items[this.#head + records] as Pending;
      const limit = records === 0 ? (alone ? Infinity : bytesMax) : Math.min(bytesMax, BATCH_BYTES_MAX);
      if (bytes + item.bytes > limit) break;
      bytes += item.bytes;
      records += 1;
    }
    this.claimed = records;
    return { records, bytes };
  }

  claimedItems(): readonly Pending[] {
    const claimed = this.#items.slice(this.#head, this.#head + this.claimed) as Pending[];
    return claimed.some(({ settled }) => settled) ? claimed.filter(({ settled }) => !settled) : claimed;
  }

  *waiting(): Iterable<Pending> {
    for (let at = this.#head; at < this.#items.length; at += 1) {
      const item = this.#items[at] as Pending;
      if (!item.settled) yield item;
    }
  }

  unclaim(from: Pending): number {
    this.claimed = this.#items.indexOf(from, this.#head) - this.#head;
    return this.claimed;
  }

  release(settled: number): void {
    this.claimed = 0;
    for (const end = this.#head + settled; this.#head < end || this.#items[this.#head]?.settled === true;) {
      this.#items[this.#head] = undefined;
      this.#head += 1;
    }
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > DEAD_HEAD_MAX) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }

  recovered(): void {
    this.failures = 0;
    this.recordsMax *= 2;
  }
}
