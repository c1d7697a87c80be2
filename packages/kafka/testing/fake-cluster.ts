import { KafkaError } from '../src/port.ts';
import { createFakeGroup } from './fake-group.ts';
import { createFakeLog } from './fake-log.ts';
import { transactionVerdict } from './fake-transactions.ts';
import type { Clock } from '@postrider/core';
import type { FakeGroup } from './fake-group.ts';
import type { FakeLog, FakeWrite } from './fake-log.ts';
import type { AskFault, Question } from './fake-process.ts';
import type { FakeTransactions } from './fake-transactions.ts';
import type { IncomingRecord, TopicSpec } from '../src/port.ts';
import type { PartitionAnswer, PartitionWrite } from '../src/producer-queue.ts';

/** What happens to one partition's part of a write request. */
export type ProduceFault =
  /** Stored; the answer does not arrive, and the connection breaks: the producer sends again. */
  | { readonly kind: 'lose-answer' }
  /** Not stored, and the connection breaks. */
  | { readonly kind: 'lose-request' }
  /** Stored now, answered `ms` later. */
  | { readonly kind: 'delay-answer'; readonly ms: number }
  /** The connection breaks now; the broker stores the write all the same, `ms` later. */
  | { readonly kind: 'store-late'; readonly ms: number }
  /** The connection breaks now; the broker stores the write when `store` is called, or never. */
  | { readonly kind: 'hold'; readonly held: (store: () => void) => void }
  /** Nobody ever answers: only the send deadline ends it. */
  | { readonly kind: 'silence'; readonly stored: boolean }
  /** Not stored, answered with an error code of the protocol, such as 87 (INVALID_RECORD) or 19 (NOT_ENOUGH_REPLICAS). */
  | { readonly kind: 'refuse'; readonly errorCode: number };

/** A write that may be a transaction's. */
export interface FakePartitionWrite extends PartitionWrite {
  readonly by?: { readonly transactionalId: string; readonly epoch: number; readonly number: number };
}

export interface ProduceAttempt extends FakePartitionWrite {
  readonly clientId: string;
  readonly leader: number;
}

/** What takes time: a request on its way to be stored, its answer, any other answer, records on their way to a reader. */
export type Travel = 'request' | 'answer' | 'ask' | 'fetch';

/** How the cluster differs from one broker that answers at once. */
export interface FakeClusterOptions {
  readonly brokers?: number;
  /** How long something takes now (ms). `topic`: of what is on its way to a reader. */
  readonly latency?: (travel: Travel, clientId: string, topic?: string) => number;
  /** Heartbeats of members in good health are computed instead of sent, so that nothing has to happen while nothing happens. */
  readonly computedHeartbeats?: boolean;
  /** Which broker leads a partition; by default its number modulo the brokers. */
  readonly leaderOf?: (topic: string, partition: number) => number;
}

/** Who hears of records as they are stored. `clientId` is null for what a test appends. */
export type StoredListener = (records: readonly IncomingRecord[], clientId: string | null) => void;

export interface FakeTopic {
  readonly id: string;
  readonly spec: TopicSpec;
  readonly logs: readonly FakeLog[];
}

/** Told the answer for each partition that the broker answered for; or the error, when the connection broke. */
export type ProduceAnswered = (error: KafkaError | null, answers: readonly PartitionAnswer[]) => void;

/** The brokers' side: topics, groups, who is up, and what goes wrong. */
export interface FakeCluster {
  readonly clock: Clock;
  readonly brokers: number;
  readonly computedHeartbeats: boolean;
  readonly topics: ReadonlyMap<string, FakeTopic>;
  readonly faults: Set<(attempt: ProduceAttempt) => ProduceFault | undefined>;
  readonly askFaults: Set<(clientId: string, what: Question) => AskFault | undefined>;
  readonly storedListeners: Set<StoredListener>;
  latency(travel: Travel, clientId: string, topic?: string): number;
  askFault(clientId: string, what: Question): AskFault | undefined;
  append(topic: string, partition: number, writes: readonly FakeWrite[], clientId: string | null): number;
  createTopic(spec: TopicSpec): boolean;
  deleteTopic(name: string): void;
  /** Throws `UNKNOWN_TOPIC`. */
  topic(name: string): FakeTopic;
  log(topic: string, partition: number): FakeLog;
  group(id: string): FakeGroup;
  knownGroup(id: string): FakeGroup | undefined;
  leader(topic: string, partition: number): number;
  isUp(broker: number): boolean;
  anyUp(): boolean;
  allUp(): boolean;
  setUp(broker: number | undefined, up: boolean): void;
  /** Calls back whenever a broker went down or came up. */
  watch(listener: () => void): () => void;
  /** One request. By callback: a promise for each step of each write costs more than the write. */
  produce(clientId: string, leader: number, writes: readonly FakePartitionWrite[], answered: ProduceAnswered): void;
  /** A new writer of this transactional id, which ends all before it; its epoch. */
  openTransactions(transactionalId: string): number;
}

const CODE_UNKNOWN_TOPIC = 3;
const CODE_MESSAGE_TOO_LARGE = 10;
const CODE_INVALID_RECORD = 87;
const MESSAGE_BYTES_DEFAULT = 1_048_588;
/** What a record and its batch cost beside key, value and headers; a round figure. */
const RECORD_OVERHEAD_BYTES = 70;

/** A cluster without topics whose brokers are up. */
export function createFakeCluster(clock: Clock, options: FakeClusterOptions = {}): FakeCluster {
  return new Cluster(clock, options);
}

class Cluster implements FakeCluster {
  readonly clock: Clock;
  readonly brokers: number;
  readonly computedHeartbeats: boolean;
  readonly topics = new Map<string, FakeTopic>();
  readonly faults = new Set<(attempt: ProduceAttempt) => ProduceFault | undefined>();
  readonly askFaults = new Set<(clientId: string, what: Question) => AskFault | undefined>();
  readonly storedListeners = new Set<StoredListener>();
  readonly #options: FakeClusterOptions;
  readonly #transactions = new Map<string, FakeTransactions>();
  readonly #groups = new Map<string, FakeGroup>();
  readonly #down = new Set<number>();
  readonly #deleted = new Map<string, readonly FakeLog[]>();
  #made = 0;
  readonly #watchers = new Set<() => void>();

  constructor(clock: Clock, options: FakeClusterOptions) {
    this.clock = clock;
    this.brokers = options.brokers ?? 1;
    this.computedHeartbeats = options.computedHeartbeats ?? false;
    this.#options = options;
  }

  latency(travel: Travel, clientId: string, topic?: string): number {
    return this.#options.latency?.(travel, clientId, topic) ?? 0;
  }

  askFault(clientId: string, what: Question): AskFault | undefined {
    for (const decide of this.askFaults) {
      const fault = decide(clientId, what);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  append(topic: string, partition: number, writes: readonly FakeWrite[], clientId: string | null): number {
    const log = this.log(topic, partition);
    const count = log.records.length;
    const base = log.append(writes, this.clock.now());
    if (this.storedListeners.size > 0) {
      const records = log.records.slice(count);
      for (const listener of this.storedListeners) listener(records, clientId);
    }
    return base;
  }

  createTopic(spec: TopicSpec): boolean {
    if (this.topics.has(spec.name)) return false;
    // Who reads on when a topic is made anew keeps to its logs.
    const known = this.#deleted.get(spec.name) ?? [];
    const logs = Array.from(
      { length: spec.partitions },
      (_, partition) => known[partition] ?? createFakeLog(spec.name, partition),
    );
    this.#made += 1;
    this.topics.set(spec.name, { id: `topic-${this.#made}`, spec, logs });
    return true;
  }

  deleteTopic(name: string): void {
    const { logs } = this.topic(name);
    this.topics.delete(name);
    this.#deleted.set(name, logs);
    for (const log of logs) log.clear();
  }

  topic(name: string): FakeTopic {
    const topic = this.topics.get(name);
    if (topic === undefined) throw new KafkaError('UNKNOWN_TOPIC', `there is no topic ${name}`);
    return topic;
  }

  log(topic: string, partition: number): FakeLog {
    const log = this.topic(topic).logs[partition];
    if (log === undefined) throw new KafkaError('UNKNOWN_TOPIC', `there is no partition ${topic}/${partition}`);
    return log;
  }

  group(id: string): FakeGroup {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = createFakeGroup(this.clock, (topic) => this.topics.get(topic)?.logs.length ?? 0);
      this.#groups.set(id, group);
    }
    return group;
  }

  knownGroup(id: string): FakeGroup | undefined {
    return this.#groups.get(id);
  }

  leader(topic: string, partition: number): number {
    return this.#options.leaderOf?.(topic, partition) ?? partition % this.brokers;
  }

  isUp(broker: number): boolean {
    return !this.#down.has(broker);
  }

  anyUp(): boolean {
    return this.#down.size < this.brokers;
  }

  allUp(): boolean {
    return this.#down.size === 0;
  }

  setUp(broker: number | undefined, up: boolean): void {
    for (let id = 0; id < this.brokers; id += 1) {
      if (broker !== undefined && broker !== id) continue;
      if (up) this.#down.delete(id);
      else this.#down.add(id);
    }
    for (const listener of [...this.#watchers]) listener();
  }

  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  openTransactions(transactionalId: string): number {
    const epoch = (this.#transactions.get(transactionalId)?.epoch ?? -1) + 1;
    this.#transactions.set(transactionalId, { epoch, stored: new Map() });
    return epoch;
  }

  produce(clientId: string, leader: number, writes: readonly FakePartitionWrite[], answered: ProduceAnswered): void {
    // What goes wrong is settled as the request leaves the process; what the broker does happens when it arrives.
    const attempts = writes.map((write) => ({ ...write, clientId, leader }));
    const faults = attempts.map((attempt) => this.#fault(attempt));
    this.#later(this.latency('request', clientId), () => {
      if (!this.isUp(leader)) return answered(new KafkaError('UNAVAILABLE', `broker ${leader} does not answer`), []);
      const outcomes = attempts.map((attempt, index) => this.#write(attempt, faults[index]));
      const answerMs = Math.max(this.latency('answer', clientId), ...outcomes.map((outcome) => outcome.delayMs));
      if (answerMs === Infinity) return;
      const answers = outcomes.flatMap(({ answer }) => (answer === null ? [] : [answer]));
      this.#later(answerMs, () => answered(null, answers));
    });
  }

  #later(ms: number, then: () => void): void {
    if (ms > 0) this.clock.after(ms, then);
    else then();
  }

  #write(
    attempt: ProduceAttempt,
    fault: ProduceFault | undefined,
  ): { readonly answer: PartitionAnswer | null; readonly delayMs: number } {
    const { topic, partition } = attempt;
    const store = (): PartitionAnswer => ({ topic, partition, ...this.#store(attempt) });
    switch (fault?.kind) {
      case undefined:
        return { answer: store(), delayMs: 0 };
      case 'lose-answer':
        store();
        return { answer: null, delayMs: 0 };
      case 'lose-request':
        return { answer: null, delayMs: 0 };
      case 'delay-answer':
        return { answer: store(), delayMs: fault.ms };
      case 'store-late':
        this.clock.after(fault.ms, store);
        return { answer: null, delayMs: 0 };
      case 'hold':
        fault.held(store);
        return { answer: null, delayMs: 0 };
      case 'silence':
        if (fault.stored) store();
        return { answer: null, delayMs: Infinity };
      case 'refuse':
        return { answer: { topic, partition, errorCode: fault.errorCode, baseOffset: -1 }, delayMs: 0 };
    }
  }

  #fault(attempt: ProduceAttempt): ProduceFault | undefined {
    for (const decide of this.faults) {
      const fault = decide(attempt);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #store({ topic, partition, records, clientId, by }: ProduceAttempt): { errorCode: number; baseOffset: number } {
    const transactions = by === undefined ? undefined : this.#transactions.get(by.transactionalId);
    const verdict = by === undefined ? null : transactionVerdict(transactions, by);
    if (verdict !== null) return verdict;
    if (this.topics.get(topic)?.logs[partition] === undefined) return { errorCode: CODE_UNKNOWN_TOPIC, baseOffset: -1 };
    const config = this.topic(topic).spec.config;
    let bytes = 0;
    for (const { key, value, headers } of records) {
      bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
      for (const one of Object.values(headers ?? {}).flat()) bytes += one.length;
      if (key === null && config['cleanup.policy']?.includes('compact') === true) {
        return { errorCode: CODE_INVALID_RECORD, baseOffset: -1 };
      }
    }
    if (bytes > Number(config['max.message.bytes'] ?? MESSAGE_BYTES_DEFAULT)) {
      return { errorCode: CODE_MESSAGE_TOO_LARGE, baseOffset: -1 };
    }
    const baseOffset = this.append(topic, partition, records, clientId);
    if (by !== undefined) {
      transactions?.stored.set(by.number, baseOffset);
      // The marker at the end of a transaction.
      this.log(topic, partition).skipOffset();
    }
    return { errorCode: 0, baseOffset };
  }
}
