import { backoffMs } from './backoff.ts';
import { KafkaError } from './port.ts';
import { fenced, produceVerdict, refusedForGood, refusedOften } from './produce-errors.ts';
import { patienceMs } from './patience.ts';
import { partitionQueue, recordBytes, settled } from './partition-queue.ts';
import type { Clock } from '@postrider/core';
import type { PartitionQueue, Pending } from './partition-queue.ts';
import type { Ack, OutgoingRecord, Producer, ProducerOptions } from './port.ts';

/** The records of one partition as they go into one request. */
export interface PartitionWrite {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly OutgoingRecord[];
}

export interface PartitionAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Offset of the first record of the write. */
  readonly baseOffset: number;
}

/** What a producer needs of a client: where leaders are, and one request to one of them. */
export interface ProduceTransport {
  /** As far as known now: the broker's id; `none` while the partition has no leader; `unknown` when topic or partition is not there. */
  leaderOf(topic: string, partition: number): number | 'none' | 'unknown';
  /** Asks the cluster for the leaders of these topics. Rejects when nobody answers. */
  refresh(topics: readonly string[]): Promise<void>;
  /** Calls `take` synchronously just before it hands the result to a socket. Resolves with what the broker said, which may miss partitions. */
  produce(leader: number, take: () => readonly PartitionWrite[]): Promise<readonly PartitionAnswer[]>;
  /** Drops every connection, whatever is in flight, and starts anew. */
  reset(): void;
  close(): Promise<void>;
}

type QueueOptions = ProducerOptions & { readonly clock: Clock; readonly onTrouble?: (error: Error) => void };

interface FlightPart {
  readonly queue: PartitionQueue;
  claimed: number;
  readonly written: Pending[];
  /** A record may not be written yet: it and all behind it wait. */
  deferred: boolean;
}

interface Flight {
  readonly leader: number;
  readonly parts: readonly FlightPart[];
  readonly cancelDeadline: () => void;
}

const BATCH_RECORDS_DEFAULT = 500;
const BATCH_BYTES_DEFAULT = 4 * 1024 * 1024;
const SEND_DEADLINE_MS_DEFAULT = 20_000;
/** A request near the broker's `socket.request.max.bytes` (100 MiB) would only ever be answered by a closed connection. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;
/** A new leader is found within a few refusals. A partition that goes on to refuse is told of, again and again: about 8 s apart. */
const REFUSALS_TOLD_EVERY = 10;
/** How soon a record that may not be written yet is asked about again. */
const DEFERRED_MS = 100;
/** A topic just created is unknown to some brokers for a while; one that stays unknown this long does not exist. */
const UNKNOWN_TOPIC_GRACE_MS = 5_000;

/**
 * The producer of the port over any transport: one send in flight per leader; the next batch gathers meanwhile; a partition
 * whose records are not acknowledged sends the same ones again before any later one.
 */
export function createProducerQueue(
  transport: ProduceTransport,
  options: QueueOptions,
): Producer & { /** Stops for good without telling anyone, as a killed process does. */ abandon(): void } {
  return new ProducerQueue(transport, options);
}

class ProducerQueue implements Producer {
  readonly #transport: ProduceTransport;
  readonly #options: QueueOptions;
  readonly #clock: Clock;
  readonly #queues = new Map<string, PartitionQueue[]>();
  /** Queues that have records to send and none in flight, the longest waiting first. */
  readonly #ready = new Set<PartitionQueue>();
  readonly #flights = new Map<number, Flight>();
  /** Leaders whose next request waits for more to go into it. */
  readonly #gathering = new Set<number>();
  readonly #idle: (() => void)[] = [];
  readonly #backlog = { records: 0, bytes: 0 };
  #pumpPlanned = false;
  #refreshing = false;
  #refreshFailures = 0;
  #closed = false;
  #abandoned = false;

  constructor(transport: ProduceTransport, options: QueueOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#clock = options.clock;
  }

  get backlog(): { readonly records: number; readonly bytes: number } {
    return this.#backlog;
  }

  enqueue(record: OutgoingRecord, done: (error: KafkaError | null, ack: Ack | null) => void): void {
    const bytes = recordBytes(record);
    const error = this.#refusal(record, bytes);
    if (error !== null) return queueMicrotask(() => this.#abandoned || done(error, null));
    const queue = this.#queueOf(record.topic, record.partition);
    queue.push({ record, bytes, done, settled: false });
    this.#backlog.records += 1;
    this.#backlog.bytes += bytes;
    if (queue.claimed === 0) this.#ready.add(queue);
    this.#planPump();
  }

  send(record: OutgoingRecord): Promise<Ack> {
    return new Promise((resolve, reject) => {
      this.enqueue(record, (error, ack) => (ack === null ? reject(error as KafkaError) : resolve(ack)));
    });
  }

  flush(): Promise<void> {
    if (this.#backlog.records === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#idle.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const flight of this.#flights.values()) flight.cancelDeadline();
    const error = new KafkaError('CLOSED', `producer ${this.#options.name} was closed`);
    for (const queue of this.#allQueues()) for (const item of queue.waiting()) this.#settle(item, error, null);
    this.#ready.clear();
    await this.#transport.close();
  }

  abandon(): void {
    this.#closed = true;
    this.#abandoned = true;
    for (const flight of this.#flights.values()) flight.cancelDeadline();
    this.#ready.clear();
  }

  #refusal(record: OutgoingRecord, bytes: number): KafkaError | null {
    if (this.#closed) return new KafkaError('CLOSED', `producer ${this.#options.name} is closed`);
    if (bytes > RECORD_BYTES_MAX) {
      return new KafkaError(
        'RECORD_TOO_LARGE',
        `a record of ${bytes} bytes for ${record.topic} is over ${RECORD_BYTES_MAX}`,
      );
    }
    if (!Number.isSafeInteger(record.partition) || record.partition < 0) {
      return new KafkaError('RECORD_REFUSED', `${record.topic} has no partition ${record.partition}`);
    }
    return null;
  }

  #queueOf(topic: string, partition: number): PartitionQueue {
    let queues = this.#queues.get(topic);
    if (queues === undefined) this.#queues.set(topic, (queues = []));
    return (queues[partition] ??= partitionQueue(topic, partition));
  }

  *#allQueues(): Iterable<PartitionQueue> {
    for (const queues of this.#queues.values()) for (const queue of queues) if (queue !== undefined) yield queue;
  }

  /** A burst of calls in one turn becomes one batch. */
  #planPump(): void {
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    queueMicrotask(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#closed) return;
    const byLeader = new Map<number, PartitionQueue[]>();
    let stale = false;
    for (const queue of this.#ready) {
      if (queue.resting) continue;
      const leader = queue.stale ? 'none' : this.#transport.leaderOf(queue.topic, queue.partition);
      if (typeof leader !== 'number') {
        stale = queue.stale = true;
        continue;
      }
      queue.unknownSince = null;
      if (this.#flights.has(leader) || this.#gathering.has(leader)) continue;
      const queues = byLeader.get(leader);
      if (queues === undefined) byLeader.set(leader, [queue]);
      else queues.push(queue);
    }
    if (stale) void this.#refresh();
    for (const [leader, queues] of byLeader) void this.#fly(leader, queues);
  }

  async #fly(leader: number, queues: readonly PartitionQueue[]): Promise<void> {
    const deadlineMs = this.#options.sendDeadlineMs ?? SEND_DEADLINE_MS_DEFAULT;
    const flight: Flight = {
      leader,
      parts: this.#claim(queues),
      cancelDeadline: this.#clock.after(deadlineMs, () => {
        this.#restart(new Error(`no answer from broker ${leader} for ${deadlineMs} ms: the client is replaced`));
      }),
    };
    this.#flights.set(leader, flight);
    const began = this.#clock.monotonic();
    const records = flight.parts.reduce((sum, { claimed }) => sum + claimed, 0);
    // More waits than goes into it: the next request has enough.
    const isFull = queues.some(({ size, claimed }) => size > claimed);
    let answers: readonly PartitionAnswer[] = [];
    try {
      answers = await this.#transport.produce(leader, () => this.#take(flight));
    } catch (error) {
      this.#trouble(error);
    }
    if (this.#flights.get(leader) !== flight || this.#closed) return;
    flight.cancelDeadline();
    this.#flights.delete(leader);
    if (!isFull) this.#gather(leader, patienceMs(records, this.#clock.monotonic() - began, this.#options.apartMs));
    this.#land(flight, answers);
    this.#pump();
  }

  #gather(leader: number, ms: number): void {
    if (ms === 0) return;
    this.#gathering.add(leader);
    this.#clock.after(ms, () => {
      this.#gathering.delete(leader);
      this.#pump();
    });
  }

  /** Chooses what goes into the next request to one leader. The records stay in their queues until they are settled. */
  #claim(queues: readonly PartitionQueue[]): Flight['parts'] {
    let records = this.#options.batchRecordsMax ?? BATCH_RECORDS_DEFAULT;
    let bytes = this.#options.batchBytesMax ?? BATCH_BYTES_DEFAULT;
    const parts: FlightPart[] = [];
    for (const queue of queues) {
      const claim = queue.claim(records, bytes, parts.length === 0);
      if (claim.records === 0) break;
      this.#ready.delete(queue);
      parts.push({ queue, claimed: claim.records, written: [], deferred: false });
      records -= claim.records;
      bytes -= claim.bytes;
      if (records <= 0 || bytes <= 0) break;
    }
    return parts;
  }

  /** The last question before the socket. A restarted or closed producer, be it by one who is told here, has nothing to write any more. */
  #take(flight: Flight): readonly PartitionWrite[] {
    if (this.#closed || this.#flights.get(flight.leader) !== flight) return [];
    const writes: PartitionWrite[] = [];
    for (const part of flight.parts) {
      const { queue, written } = part;
      for (const item of queue.claimedItems()) {
        // What one is told may end others.
        if (item.settled) continue;
        const may = item.record.mayWrite?.() ?? true;
        if (may === 'later') {
          part.claimed = queue.unclaim(item);
          part.deferred = true;
          break;
        }
        if (may) written.push(item);
        else this.#settle(item, fenced(queue), null);
      }
      if (written.length > 0) {
        writes.push({ topic: queue.topic, partition: queue.partition, records: written.map(({ record }) => record) });
      }
    }
    return this.#closed ? [] : writes;
  }

  #land(flight: Flight, answers: readonly PartitionAnswer[]): void {
    const byName = new Map(answers.map((answer) => [`${answer.topic}/${answer.partition}`, answer]));
    for (const { queue, claimed, written, deferred } of flight.parts) {
      const answer = byName.get(`${queue.topic}/${queue.partition}`);
      const open = queue.claimedItems();
      // Everything claimed was fenced: nothing was asked of the broker.
      if (open.length === 0) queue.release(claimed);
      // A partition that the answer does not name is not acknowledged, whatever the other partitions got.
      else if (answer === undefined) this.#again(queue);
      else this.#judge(queue, claimed, written, answer);
      if (deferred && !queue.resting) this.#rest(queue, DEFERRED_MS);
      if (queue.size > 0) this.#ready.add(queue);
    }
  }

  #judge(queue: PartitionQueue, claimed: number, written: readonly Pending[], answer: PartitionAnswer): void {
    const verdict = produceVerdict(answer.errorCode);
    const { topic, partition } = queue;
    if (verdict === 'stored') {
      queue.release(claimed);
      queue.recovered();
      written.forEach((item, index) =>
        this.#settle(item, null, { topic, partition, offset: answer.baseOffset + index }),
      );
    } else if (verdict === 'again' || verdict === 'unknown-topic') {
      this.#again(queue);
      if (queue.failures % REFUSALS_TOLD_EVERY === 0) this.#trouble(refusedOften(queue, answer.errorCode));
    } else if ((verdict === 'too-large' || verdict === 'invalid') && written.length > 1) {
      // The broker judged the whole batch: halve it until the culprit stands alone.
      queue.release(0);
      queue.recordsMax = Math.ceil(written.length / 2);
    } else {
      queue.release(claimed);
      const error = refusedForGood(queue, verdict, answer.errorCode);
      for (const item of written) this.#settle(item, error, null);
    }
  }

  #again(queue: PartitionQueue): void {
    queue.release(0);
    queue.stale = true;
    this.#rest(queue, backoffMs(queue.failures++));
  }

  #rest(queue: PartitionQueue, ms: number): void {
    queue.resting = true;
    // A timer may fire a little before its time, so it is the timer that ends the rest, not the time.
    this.#clock.after(ms, () => {
      queue.resting = false;
      this.#pump();
    });
  }

  async #refresh(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    const stale = [...this.#ready].filter((queue) => queue.stale);
    let waitMs = 0;
    try {
      await this.#transport.refresh([...new Set(stale.map(({ topic }) => topic))]);
      this.#refreshFailures = 0;
      for (const queue of stale) this.#refreshed(queue);
    } catch (error) {
      this.#trouble(error);
      waitMs = backoffMs(this.#refreshFailures++);
    }
    this.#refreshing = false;
    if (this.#closed) return;
    if (waitMs === 0) this.#pump();
    else this.#clock.after(waitMs, () => this.#pump());
  }

  #refreshed(queue: PartitionQueue): void {
    const leader = this.#transport.leaderOf(queue.topic, queue.partition);
    queue.stale = false;
    if (typeof leader === 'number') return;
    const now = this.#clock.monotonic();
    if (leader === 'unknown') queue.unknownSince ??= now;
    if (queue.unknownSince !== null && now - queue.unknownSince >= UNKNOWN_TOPIC_GRACE_MS) {
      const error = new KafkaError('RECORD_REFUSED', `there is no partition ${queue.topic}/${queue.partition}`);
      queue.unknownSince = null;
      this.#ready.delete(queue);
      // Only what waits now: who is told may well queue the next record, which has not been asked about yet.
      for (const item of [...queue.waiting()]) this.#settle(item, error, null);
    } else {
      this.#again(queue);
    }
  }

  /** A send cannot be cancelled: only with its connections gone may its records be sent again. */
  #restart(error: Error): void {
    this.#trouble(error);
    this.#transport.reset();
    const flights = [...this.#flights.values()];
    this.#flights.clear();
    for (const flight of flights) {
      flight.cancelDeadline();
      this.#land(flight, []);
    }
    this.#pump();
  }

  #trouble(error: unknown): void {
    if (!this.#closed) this.#options.onTrouble?.(error instanceof Error ? error : new Error(String(error)));
  }

  #settle(item: Pending, error: KafkaError | null, ack: Ack | null): void {
    if (item.settled || this.#abandoned) return;
    const done = settled(item);
    this.#backlog.records -= 1;
    this.#backlog.bytes -= item.bytes;
    try {
      done(error, ack);
    } catch (thrown) {
      // A caller's fault must not keep the other records from their acknowledgements.
      queueMicrotask(() => {
        throw thrown;
      });
    }
    if (this.#backlog.records === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
