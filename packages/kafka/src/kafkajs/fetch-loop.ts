import { backoffMs } from '../backoff.ts';
import { code, ProtocolError, toKafkaError } from './protocol-error.ts';
import { decodeBatches, type DecodedRecords } from './record-decode.ts';
import { patienceMs } from '../patience.ts';
import { pause } from '../pause.ts';
import { createPace, type Pace } from './pace.ts';
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
  /** Counts starts, stops and questions: only what answers the last question, and was asked since, is not stale. */
  turn: number;
  /** The leader must be looked up. */
  stale: boolean;
  /** Failures in a row. */
  failures: number;
  /** Ends the rest after a failure; null while it does not rest. */
  wake: (() => void) | null;
}

/** A partition that was asked for, and since when. */
interface Asked {
  readonly cursor: Cursor;
  readonly turn: number;
}

/** An answer of this size tells of a backlog, where nothing is gained by waiting for more. */
const FULL_ANSWER_BYTES = 256 * 1024;

/** A loop that reads nothing yet. */
export function createFetchLoop(options: FetchLoopOptions): FetchLoop {
  return new Loop(options);
}

class Loop implements FetchLoop {
  readonly #options: FetchLoopOptions;
  readonly #cursors = new Map<string, Cursor>();
  readonly #fetching = new Set<number>();
  #refreshing = false;
  #refreshFailures = 0;
  #planned = false;
  readonly #closing = new AbortController();

  constructor(options: FetchLoopOptions) {
    this.#options = options;
  }

  start(topic: string, partition: number, offset: number): void {
    const key = `${topic}/${partition}`;
    const cursor = this.#cursors.get(key) ?? newCursor(topic, partition, offset);
    this.#cursors.set(key, cursor);
    cursor.wake?.();
    cursor.failures = 0;
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
    cursor.wake?.();
  }

  position(topic: string, partition: number): number | undefined {
    return this.#cursors.get(`${topic}/${partition}`)?.offset;
  }

  close(): void {
    this.#closing.abort();
    for (const cursor of this.#cursors.values()) cursor.wake?.();
    this.#cursors.clear();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
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
      if (!cursor.active || cursor.wake !== null) continue;
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
    // A leader of before may still be asked, or its answer stand half handed over: both would hand over the same records.
    const asked = cursors.map((cursor): Asked => ({ cursor, turn: (cursor.turn += 1) }));
    const { clock } = this.#options;
    const began = clock.monotonic();
    try {
      const broker = await this.#options.client.broker(leader);
      // Closed meanwhile: a request now would connect again, and nobody would ever hang up.
      if (this.#closed) return;
      const positions = cursors.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
      const answers = await fetch(broker, positions, this.#options);
      if (this.#closed) return;
      const byKey = new Map(asked.map((one) => [`${one.cursor.topic}/${one.cursor.partition}`, one]));
      const pace = createPace();
      let records = 0;
      let bytes = 0;
      for (const answer of answers) {
        bytes += answer.bytes.length;
        const one = byKey.get(`${answer.topic}/${answer.partition}`);
        if (one === undefined || !this.#isWanted(one)) continue;
        if (answer.errorCode !== code.none) this.#refused(one.cursor, answer.errorCode);
        else if (answer.bytes.length === 0) one.cursor.failures = 0;
        else records += await this.#accept(one, answer, pace);
      }
      const waitMs = bytes < FULL_ANSWER_BYTES ? patienceMs(records, clock.monotonic() - began) : 0;
      if (waitMs > 0) await pause(clock, waitMs, this.#closing.signal);
    } catch (error) {
      if (this.#closed) return;
      this.#options.onTrouble(toKafkaError(error));
      for (const { cursor, turn } of asked) if (cursor.turn === turn) this.#failed(cursor);
    } finally {
      this.#fetching.delete(leader);
    }
    this.#run();
  }

  #refused(cursor: Cursor, errorCode: number): void {
    const { topic, partition } = cursor;
    if (errorCode === code.offsetOutOfRange) {
      cursor.active = false;
      return this.#options.onOutOfRange(topic, partition, cursor.offset);
    }
    this.#failed(cursor);
    this.#options.onTrouble(new ProtocolError(`reading ${topic}/${partition}`, errorCode));
  }

  /** In portions: a megabyte of records in one go would keep everything else in the process waiting. Returns how many they were. */
  async #accept(asked: Asked, answer: FetchedPartition, pace: Pace): Promise<number> {
    const { cursor } = asked;
    const { topic, partition } = cursor;
    let records = 0;
    try {
      const where = { topic, partition, fetchOffset: cursor.offset };
      for (const portion of decodeBatches(answer.bytes, where, answer.aborted)) {
        this.#pass(cursor, portion, answer.highWatermark);
        records += portion.records.length;
        if (pace.timeIsUp()) await pace.turn();
        if (!this.#isWanted(asked)) return records;
      }
    } catch (error) {
      // Bytes that cannot be read must not stop the other partitions; this one is asked for again, and every failure is told.
      const message = `reading ${topic}/${partition} at ${cursor.offset}: ${(error as Error).message}`;
      this.#failed(cursor);
      this.#options.onTrouble(new Error(message, { cause: error }));
    }
    return records;
  }

  #pass(cursor: Cursor, { records, nextOffset }: DecodedRecords, endThen: number): void {
    const { topic, partition } = cursor;
    // What the batch makes its receiver do, such as a seek, comes after the position that it may change.
    cursor.offset = nextOffset;
    cursor.failures = 0;
    // The broker notes its end before it reads: what was written in between may already be in the answer.
    const highWatermark = Math.max(endThen, nextOffset);
    this.#hand({ topic, partition, records, nextOffset, highWatermark });
    // A partition that had something goes to the end of the next request, so that no busy one starves the others.
    const key = `${topic}/${partition}`;
    if (this.#cursors.get(key) !== cursor) return;
    this.#cursors.delete(key);
    this.#cursors.set(key, cursor);
  }

  #isWanted({ cursor, turn }: Asked): boolean {
    return !this.#closed && cursor.active && cursor.turn === turn;
  }

  /** A receiver that throws has lost track of the batch: the process ends, and whoever comes next reads it again. */
  #hand(batch: Batch): void {
    try {
      this.#options.onBatch(batch);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  /** The first look-up is due at once; what goes on failing rests longer each time, and the other partitions do not wait for it. */
  #failed(cursor: Cursor): void {
    cursor.stale = true;
    cursor.failures += 1;
    if (cursor.failures === 1) return;
    cursor.wake?.();
    const cancel = this.#options.clock.after(backoffMs(cursor.failures - 1), () => {
      cursor.wake = null;
      this.#plan();
    });
    cursor.wake = () => {
      cursor.wake = null;
      cancel();
    };
  }

  /** Looks up the leaders of stale partitions; after failures of the look-up itself, in a row, ever later. */
  async #refresh(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    const { client, clock, onTrouble } = this.#options;
    if (this.#refreshFailures > 0) await pause(clock, backoffMs(this.#refreshFailures), this.#closing.signal);
    const stale = [...this.#cursors.values()].filter((cursor) => cursor.stale && cursor.active && cursor.wake === null);
    try {
      if (!this.#closed && stale.length > 0) await client.refresh([...new Set(stale.map(({ topic }) => topic))]);
      this.#refreshFailures = 0;
      for (const cursor of stale) {
        cursor.stale = false;
        if (this.#closed || typeof client.leaderOf(cursor.topic, cursor.partition) === 'number') continue;
        // Asking again at once would be told the same.
        cursor.failures = Math.max(1, cursor.failures);
        this.#failed(cursor);
      }
    } catch (error) {
      this.#refreshFailures += 1;
      if (!this.#closed) onTrouble(toKafkaError(error));
    }
    this.#refreshing = false;
    this.#run();
  }
}

function newCursor(topic: string, partition: number, offset: number): Cursor {
  return { topic, partition, offset, active: true, turn: 0, stale: false, failures: 0, wake: null };
}
