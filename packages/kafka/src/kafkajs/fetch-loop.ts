import { backoffMs } from '../backoff.ts';
import { code, ProtocolError, toKafkaError } from './protocol-error.ts';
import { decodeBatches, type DecodedRecords } from './record-decode.ts';
import { patienceMs } from '../patience.ts';
import { pause } from '../pause.ts';
import { createPace, type Pace } from './pace.ts';
import { fetch } from './fetch-request.ts';
import { createAskings } from './askings.ts';
import type { Clock } from '@postrider/core';
import type { FetchedPartition } from './fetch-request.ts';
import type { Asking, Askings } from './askings.ts';
import type { Broker } from './internals.ts';
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
 * Reads partitions from their leaders, by one request at a time to each broker, or two where many partitions are at rest beside
 * few that are not. A moved leader or stale metadata costs a look-up and
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
  readonly key: string;
  readonly topic: string;
  readonly partition: number;
  offset: number;
  active: boolean;
  /** By which requests it is asked for; null while by none. */
  asking: Asking | null;
  /** When it was started, stopped, or came to other requests the last time: what was asked before that is stale. */
  turn: number;
  /** The leader must be looked up. */
  stale: boolean;
  /** Failures in a row. */
  failures: number;
  /** Ends the rest after a failure; null while it does not rest. */
  wake: (() => void) | null;
}

/** A request, and when it was made. */
interface Question {
  readonly asking: Asking;
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
  readonly #askings: Askings;
  readonly #closing = new AbortController();
  #turn = 0;
  #isStale = false;
  #refreshing = false;
  #refreshFailures = 0;
  #planned = false;

  constructor(options: FetchLoopOptions) {
    this.#options = options;
    this.#askings = createAskings(options.clock);
  }

  start(topic: string, partition: number, offset: number): void {
    const key = `${topic}/${partition}`;
    const cursor = this.#cursors.get(key) ?? newCursor(key, topic, partition);
    this.#cursors.set(key, cursor);
    cursor.wake?.();
    cursor.failures = 0;
    cursor.turn = this.#turn += 1;
    cursor.offset = offset;
    cursor.active = true;
    this.#place(cursor);
  }

  stop(topic: string, partition: number): void {
    const cursor = this.#cursors.get(`${topic}/${partition}`);
    if (cursor === undefined) return;
    cursor.turn = this.#turn += 1;
    cursor.active = false;
    cursor.wake?.();
    this.#place(cursor);
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
    if (this.#isStale) void this.#refresh();
    for (const asking of this.#askings) {
      if (asking.session.size > 0 && !asking.isUnderWay) void this.#fetch(asking);
    }
  }

  /** Has it asked for from where it stands, of its leader, or of nobody. */
  #place(cursor: Cursor): void {
    const { key, topic, partition, offset } = cursor;
    const leader = this.#leaderOf(cursor);
    const asking = leader === null ? null : this.#askings.askingFor(key, leader, cursor.asking);
    if (asking !== cursor.asking) {
      cursor.asking?.session.forget(key);
      cursor.asking = asking;
      cursor.turn = this.#turn += 1;
    }
    // Who had something stands last in a whole list, so that no busy partition starves the others.
    asking?.session.want(key, { topic, partition, offset });
    this.#plan();
  }

  #leaderOf(cursor: Cursor): number | null {
    if (!cursor.active || cursor.wake !== null) return null;
    const leader = cursor.stale ? 'none' : this.#options.client.leaderOf(cursor.topic, cursor.partition);
    if (typeof leader === 'number') return leader;
    this.#isStale = cursor.stale = true;
    return null;
  }

  async #fetch(asking: Asking): Promise<void> {
    asking.isUnderWay = true;
    const { clock, client } = this.#options;
    const began = clock.monotonic();
    let question: Question = { asking, turn: (this.#turn += 1) };
    try {
      const broker = await client.broker(asking.leader);
      // Closed meanwhile: a request now would connect again, and nobody would ever hang up.
      if (this.#closed) return;
      question = { asking, turn: (this.#turn += 1) };
      const answer = await this.#ask(broker, asking);
      if (this.#closed) return;
      const { records, bytes } = await this.#acceptAll(question, answer);
      const waitMs = bytes < FULL_ANSWER_BYTES ? patienceMs(records, clock.monotonic() - began) : 0;
      if (waitMs > 0) await pause(clock, waitMs, this.#closing.signal);
    } catch (error) {
      asking.session.lost();
      if (this.#closed) return;
      this.#options.onTrouble(toKafkaError(error));
      for (const cursor of this.#cursors.values()) if (isOf(question, cursor)) this.#failed(cursor);
    } finally {
      asking.isUnderWay = false;
    }
    for (const key of this.#askings.moved(asking)) {
      const cursor = this.#cursors.get(key);
      if (cursor !== undefined) this.#place(cursor);
    }
    this.#run();
  }

  /** One request; with nothing in the answer when the broker knows of no such session any more, and is to be asked for all. */
  async #ask(broker: Broker, { session, connection }: Asking): Promise<readonly FetchedPartition[]> {
    const ask = session.next();
    const { errorCode, sessionId, partitions } = await fetch(broker, ask, { ...this.#options, connection });
    if (errorCode === code.none) session.answered(sessionId);
    else if (ask.epoch > 0 && sessionErrors.has(errorCode)) session.lost();
    else throw new ProtocolError('a fetch', errorCode);
    return partitions;
  }

  /** How many records were handed over, and what the answer held (bytes). */
  async #acceptAll(
    question: Question,
    answers: readonly FetchedPartition[],
  ): Promise<{ readonly records: number; readonly bytes: number }> {
    const pace = createPace();
    let records = 0;
    let bytes = 0;
    const together = answers.reduce((sum, answer) => sum + Number(answer.bytes.length > 0), 0);
    for (const answer of answers) {
      bytes += answer.bytes.length;
      const cursor = this.#cursors.get(`${answer.topic}/${answer.partition}`);
      if (cursor === undefined || !isOf(question, cursor)) continue;
      if (answer.errorCode !== code.none) this.#refused(cursor, answer.errorCode);
      else if (answer.bytes.length === 0) cursor.failures = 0;
      else {
        this.#askings.news(cursor.key, question.asking, together);
        records += await this.#accept(question, cursor, answer, pace);
      }
    }
    return { records, bytes };
  }

  #refused(cursor: Cursor, errorCode: number): void {
    const { topic, partition } = cursor;
    if (errorCode === code.offsetOutOfRange) {
      cursor.active = false;
      this.#place(cursor);
      return this.#options.onOutOfRange(topic, partition, cursor.offset);
    }
    this.#failed(cursor);
    this.#options.onTrouble(new ProtocolError(`reading ${topic}/${partition}`, errorCode));
  }

  /** In portions: a megabyte of records in one go would keep everything else in the process waiting. Returns how many they were. */
  async #accept(question: Question, cursor: Cursor, answer: FetchedPartition, pace: Pace): Promise<number> {
    const { topic, partition } = cursor;
    let records = 0;
    try {
      const where = { topic, partition, fetchOffset: cursor.offset };
      for (const portion of decodeBatches(answer.bytes, where, answer.aborted)) {
        this.#pass(cursor, portion, answer.highWatermark);
        records += portion.records.length;
        if (isOf(question, cursor)) this.#place(cursor);
        if (pace.timeIsUp()) await pace.turn();
        if (this.#closed || !isOf(question, cursor)) return records;
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
    if (cursor.failures > 1) this.#rest(cursor, backoffMs(cursor.failures - 1));
    this.#place(cursor);
  }

  #rest(cursor: Cursor, ms: number): void {
    cursor.wake?.();
    const cancel = this.#options.clock.after(ms, () => {
      cursor.wake = null;
      this.#place(cursor);
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
    this.#isStale = false;
    const stale = [...this.#cursors.values()].filter((cursor) => cursor.stale && cursor.active && cursor.wake === null);
    try {
      if (!this.#closed && stale.length > 0) await client.refresh([...new Set(stale.map(({ topic }) => topic))]);
      this.#refreshFailures = 0;
      if (!this.#closed) this.#refreshed(stale);
    } catch (error) {
      this.#refreshFailures += 1;
      this.#isStale = true;
      if (!this.#closed) onTrouble(toKafkaError(error));
    }
    this.#refreshing = false;
    this.#run();
  }

  #refreshed(looked: readonly Cursor[]): void {
    const { client } = this.#options;
    for (const cursor of looked) {
      cursor.stale = false;
      if (typeof client.leaderOf(cursor.topic, cursor.partition) === 'number') continue;
      // Asking again at once would be told the same.
      cursor.failures = Math.max(1, cursor.failures);
      this.#failed(cursor);
    }
    // The look-up told of whole topics: others of them may have moved, too.
    for (const cursor of this.#cursors.values())
      if ((cursor.asking?.leader ?? null) !== this.#leaderOf(cursor)) this.#place(cursor);
  }
}

const sessionErrors: ReadonlySet<number> = new Set([code.fetchSessionIdNotFound, code.invalidFetchSessionEpoch]);

/** Whether what this question is answered counts for the partition. */
function isOf({ asking, turn }: Question, cursor: Cursor): boolean {
  return cursor.asking === asking && cursor.turn <= turn;
}

function newCursor(key: string, topic: string, partition: number): Cursor {
  return {
    key,
    topic,
    partition,
    offset: 0,
    active: true,
    asking: null,
    turn: 0,
    stale: false,
    failures: 0,
    wake: null,
  };
}
