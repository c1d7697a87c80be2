import { KafkaError } from '../src/port.ts';
import type { Headers, IncomingRecord } from '../src/port.ts';

/** What a writer gives to the log. */
export interface FakeWrite {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Headers | undefined;
  /** The writer's own, as a topic with CreateTime keeps it; the broker's when absent. */
  readonly timestamp?: number;
}

/** One partition: records in offset order, with gaps where compaction or deletion took some away. */
export interface FakeLog {
  readonly topic: string;
  readonly partition: number;
  /** First offset that exists, one past the last. */
  readonly low: number;
  readonly high: number;
  readonly records: readonly IncomingRecord[];
  append(writes: readonly FakeWrite[], timestamp: number): number;
  /** A gap, as a transaction's control record leaves one. */
  skipOffset(): void;
  /** At most `recordsMax` records at or after `offset`, and where to go on. Undefined when `offset` does not exist. */
  read(offset: number, recordsMax: number): { records: readonly IncomingRecord[]; nextOffset: number } | undefined;
  offsetAt(timestamp: number): number;
  deleteBelow(offset: number): void;
  /** Loses the end, as an unclean leader election does. */
  truncate(offset: number): void;
  /** Begins anew at offset 0, as the log of a topic that was deleted and made again. */
  clear(): void;
  /** Keeps the newest record per key among those older than `lagMs`; tombstones older than `tombstonesMs` go too. How many went. */
  compact(now: number, lagMs: number, tombstonesMs: number): number;
  /** Calls `listener` after each change; returns how to stop. */
  watch(listener: () => void): () => void;
  changed(): void;
}

/** An empty log. */
export function createFakeLog(topic: string, partition: number): FakeLog {
  return new Log(topic, partition);
}

class Log implements FakeLog {
  readonly topic: string;
  readonly partition: number;
  low = 0;
  high = 0;
  records: IncomingRecord[] = [];
  readonly #watchers = new Set<() => void>();
  /** Timestamps never go back: not so where writers give their own. */
  #inTimeOrder = true;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  append(writes: readonly FakeWrite[], timestamp: number): number {
    const base = this.high;
    for (const { key, value, headers, timestamp: written } of writes) {
      const { topic, partition } = this;
      const time = written ?? timestamp;
      if (time < (this.records.at(-1)?.timestamp ?? time)) this.#inTimeOrder = false;
      // Copies: on a real wire, what a writer does to its buffers later changes nothing.
      this.records.push({
        topic,
        partition,
        offset: this.high++,
        timestamp: time,
        key: copy(key),
        value: copy(value),
        headers: copyHeaders(headers ?? {}),
      });
    }
    this.changed();
    return base;
  }

  skipOffset(): void {
    this.high += 1;
    this.changed();
  }

  read(offset: number, recordsMax: number): { records: readonly IncomingRecord[]; nextOffset: number } | undefined {
    if (offset < this.low || offset > this.high) return undefined;
    const start = this.#indexOf(offset);
    const records = this.records.slice(start, start + recordsMax);
    const last = records.at(-1);
    const nextOffset = start + records.length >= this.records.length ? this.high : (last?.offset ?? offset - 1) + 1;
    return { records, nextOffset };
  }

  offsetAt(timestamp: number): number {
    if (!this.#inTimeOrder) return this.records.find((record) => record.timestamp >= timestamp)?.offset ?? this.high;
    let from = 0;
    let to = this.records.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.records[middle] as IncomingRecord).timestamp < timestamp) from = middle + 1;
      else to = middle;
    }
    return this.records[from]?.offset ?? this.high;
  }

  deleteBelow(offset: number): void {
    if (offset > this.high)
      throw new KafkaError('INVALID_ARGUMENT', `${this.topic}/${this.partition} ends at ${this.high}`);
    this.low = Math.max(this.low, offset);
    this.records = this.records.slice(this.#indexOf(this.low));
    this.changed();
  }

  truncate(offset: number): void {
    this.high = Math.max(this.low, Math.min(this.high, offset));
    this.records = this.records.slice(0, this.#indexOf(this.high));
    this.changed();
  }

  clear(): void {
    this.low = 0;
    this.high = 0;
    this.records = [];
    this.#inTimeOrder = true;
    this.changed();
  }

  compact(now: number, lagMs: number, tombstonesMs: number): number {
    const newest = new Map<string, number>();
    const old = (record: IncomingRecord) => now - record.timestamp >= lagMs;
    for (const record of this.records)
      if (record.key !== null && old(record)) newest.set(record.key.toString('hex'), record.offset);
    const before = this.records.length;
    this.records = this.records.filter((record) => {
      if (!old(record)) return true;
      if (record.key === null || newest.get(record.key.toString('hex')) !== record.offset) return false;
      return record.value !== null || now - record.timestamp < lagMs + tombstonesMs;
    });
    return before - this.records.length;
  }

  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  changed(): void {
    for (const listener of [...this.#watchers]) listener();
  }

  #indexOf(offset: number): number {
    let from = 0;
    let to = this.records.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.records[middle] as IncomingRecord).offset < offset) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

function copy<T extends Buffer | null>(buffer: T): T {
  return (buffer === null ? null : Buffer.from(buffer)) as T;
}

function copyHeaders(headers: Headers): Headers {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.isBuffer(value) ? copy(value) : value.map(copy)]),
  );
}
