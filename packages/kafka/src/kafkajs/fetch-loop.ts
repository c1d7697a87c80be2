import { code, ProtocolError, toKafkaError } from './protocol-error.ts';
import { decodeBatches } from './record-decode.ts';
import { fetch } from './fetch-request.ts';
import type { Clock } from '@postrider/core';
import type { FetchedPartition } from './fetch-request.ts';
import type { KafkaClient } from './client.ts';
import type { Batch } from '../port.ts';

export interface FetchLoopOptions {
  readonly client: KafkaClient;
  readonly clock: Clock;
  readonly maxWaitMs: number;
  readonly maxBytesPerPartition: number;
  onBatch(batch: Batch): void;
  /** The partition stands still until it is started anew. */
  onOutOfRange(topic: string, partition: number, offset: number): void;
  onTrouble(error: Error): void;
}

/**
 * Reads partitions from their leaders, one request at a time per broker. A moved leader or stale metadata costs a look-up and
 * nothing else: kafkajs joins its group anew for that, without telling anyone and without a pause, dozens of times a second.
 */
export interface FetchLoop {
  /** Reads on from `offset`; what is under way from an older position is dropped. */
  start(topic: string, partition: number, offset: number): void;
  stop(topic: string, partition: number): void;
  position(topic: string, partition: number): number | undefined;
  close(): void;
}

interface Cursor {
  readonly topic: string;
  readonly partition: number;
  offset: number;
  active: boolean;
  /** Counts starts and stops: an answer to a question from before the last one is stale. */
  turn: number;
  /** The leader must be looked up. */
  stale: boolean;
}

const BACKOFF_MS = 100;
const BACKOFF_MS_MAX = 1_000;

/** A loop that reads nothing yet. */
export function createFetchLoop(options: FetchLoopOptions): FetchLoop {
  return new Loop(options);
}

class Loop implements FetchLoop {
  readonly #options: FetchLoopOptions;
  readonly #cursors = new Map<string, Cursor>();
  readonly #fetching = new Set<number>();
  #refreshing = false;
  #failures = 0;
  #planned = false;
  #closed = false;

  constructor(options: FetchLoopOptions) {
    this.#options = options;
  }

  start(topic: string, partition: number, offset: number): void {
    const key = `${topic}/${partition}`;
    const cursor = this.#cursors.get(key) ?? { topic, partition, offset, active: true, turn: 0, stale: false };
    this.#cursors.set(key, cursor);
    cursor.turn += 1;
    cursor.offset = offset;
    cursor.active = true;
    this.#plan();
  }

  stop(topic: string, partition: number): void {
    const cursor = this.#cursors.get(`${topic}/${partition}`);
    if (cursor === undefined) return;
    cursor.turn += 1;
    cursor.active = false;
  }

  position(topic: string, partition: number): number | undefined {
    return this.#cursors.get(`${topic}/${partition}`)?.offset;
  }

  close(): void {
    this.#closed = true;
    this.#cursors.clear();
  }

  /** Many starts in one turn become one request. */
  #plan(): void {
    if (this.#planned || this.#closed) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#run();
    });
  }

  #run(): void {
    if (this.#closed) return;
    const byLeader = new Map<number, Cursor[]>();
    let stale = false;
    for (const cursor of this.#cursors.values()) {
      if (!cursor.active) continue;
      const leader = cursor.stale ? 'none' : this.#options.client.leaderOf(cursor.topic, cursor.partition);
      if (typeof leader !== 'number') {
        stale = cursor.stale = true;
        continue;
      }
      if (this.#fetching.has(leader)) continue;
      const cursors = byLeader.get(leader);
      if (cursors === undefined) byLeader.set(leader, [cursor]);
      else cursors.push(cursor);
    }
    if (stale) void this.#refresh();
    for (const [leader, cursors] of byLeader) void this.#fetch(leader, cursors);
  }

  async #fetch(leader: number, cursors: readonly Cursor[]): Promise<void> {
    this.#fetching.add(leader);
    const asked = cursors.map((cursor) => ({ cursor, turn: cursor.turn }));
    try {
      const broker = await this.#options.client.broker(leader);
      const positions = cursors.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
      const answers = await fetch(broker, positions, this.#options);
      if (this.#closed) return;
      const byKey = new Map(asked.map((one) => [`${one.cursor.topic}/${one.cursor.partition}`, one]));
      for (const answer of answers) {
        const one = byKey.get(`${answer.topic}/${answer.partition}`);
        if (one !== undefined && one.cursor.active && one.cursor.turn === one.turn) this.#accept(one.cursor, answer);
      }
    } catch (error) {
      if (this.#closed) return;
      this.#options.onTrouble(toKafkaError(error));
      for (const { cursor, turn } of asked) if (cursor.turn === turn) cursor.stale = true;
    } finally {
      this.#fetching.delete(leader);
    }
    this.#run();
  }

  #accept(cursor: Cursor, answer: FetchedPartition): void {
    const { topic, partition } = cursor;
    if (answer.errorCode === code.offsetOutOfRange) {
      cursor.active = false;
      return this.#options.onOutOfRange(topic, partition, cursor.offset);
    }
    if (answer.errorCode !== code.none) {
      cursor.stale = true;
      return this.#options.onTrouble(new ProtocolError(`reading ${topic}/${partition}`, answer.errorCode));
    }
    if (answer.bytes.length === 0) {
      this.#failures = 0;
      return;
    }
    const where = { topic, partition, fetchOffset: cursor.offset };
    const { records, nextOffset } = this.#decode(cursor, () => decodeBatches(answer.bytes, where, answer.aborted));
    if (nextOffset <= cursor.offset) return;
    // What the batch makes its receiver do, such as a seek, comes after the position that it may change.
    cursor.offset = nextOffset;
    this.#failures = 0;
    this.#options.onBatch({ topic, partition, records, nextOffset, highWatermark: answer.highWatermark });
    // A partition that had something goes to the end of the next request, so that no busy one starves the others.
    const key = `${topic}/${partition}`;
    if (this.#cursors.get(key) !== cursor) return;
    this.#cursors.delete(key);
    this.#cursors.set(key, cursor);
  }

  /** Bytes that cannot be read must not stop the other partitions; this one is asked for again, and every failure is told. */
  #decode<T>(cursor: Cursor, decode: () => T): T | { records: []; nextOffset: number } {
    try {
      return decode();
    } catch (error) {
      const message = `reading ${cursor.topic}/${cursor.partition} at ${cursor.offset}: ${(error as Error).message}`;
      this.#options.onTrouble(new Error(message, { cause: error }));
      cursor.stale = true;
      return { records: [], nextOffset: cursor.offset };
    }
  }

  /** Looks up the leaders of stale partitions after a rest that grows with failures in a row. */
  async #refresh(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    const { client, clock, onTrouble } = this.#options;
    // The first look-up is due at once: nothing has failed, we just do not know yet.
    if (this.#failures > 0) {
      const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** Math.min(this.#failures, 5));
      await new Promise<void>((resolve) => void clock.after(waitMs, resolve));
    }
    this.#failures += 1;
    const stale = [...this.#cursors.values()].filter((cursor) => cursor.stale);
    try {
      if (!this.#closed && stale.length > 0) await client.refresh([...new Set(stale.map(({ topic }) => topic))]);
      for (const cursor of stale) cursor.stale = false;
    } catch (error) {
      if (!this.#closed) onTrouble(toKafkaError(error));
    }
    this.#refreshing = false;
    this.#run();
  }
}
