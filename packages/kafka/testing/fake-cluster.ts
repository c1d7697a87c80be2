import { KafkaError } from '../src/port.ts';
import { createFakeGroup } from './fake-group.ts';
import { createFakeLog } from './fake-log.ts';
import { transactionVerdict } from './fake-transactions.ts';
import type { Clock } from '@postrider/core';
import type { FakeGroup } from './fake-group.ts';
import type { FakeLog, FakeWrite } from './fake-log.ts';
import type { AskFault, Question } from './fake-process.ts';
import type { FakeTransactions, FakeTransactionWrite } from './fake-transactions.ts';
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

export interface ProduceAttempt extends PartitionWrite {
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
  produce(clientId: string, leader: number, writes: readonly PartitionWrite[], answered: ProduceAnswered): void;
  /** A whole transaction as one request: all of it is stored, or nothing. What goes wrong with a part goes wrong with all. */
  produceAsOne(
    clientId: string,
    writes: readonly PartitionWrite[],
    by: FakeTransactionWrite,
    answered: ProduceAnswered,
  ): void;
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

  produce(clientId: string, leader: number, writes: readonly PartitionWrite[], answered: ProduceAnswered): void {
    // What goes wrong is settled as the request leaves the process; what the broker does happens when it arrives.
    const attempts = writes.map((write) => ({ ...write, clientId, leader }));
    const faults = attempts.map((attempt) => this.#fault(attempt));
    this.#later(this.latency('request', clientId), () => {
      if (!this.isUp(leader)) return answered(unavailable(leader), []);
      const outcomes = attempts.map((attempt, index) =>
        this.#write([attempt], faults[index], () => [this.#store(attempt)]),
      );
      this.#answer(clientId, outcomes, answered);
    });
  }

  produceAsOne(
    clientId: string,
    writes: readonly PartitionWrite[],
    by: FakeTransactionWrite,
    answered: ProduceAnswered,
  ): void {
    const attempts = writes.map((write) => ({
      ...write,
      clientId,
      leader: this.leader(write.topic, write.partition),
    }));
    const fault = attempts.map((attempt) => this.#fault(attempt)).find((one) => one !== undefined);
    this.#later(this.latency('request', clientId), () => {
      const down = attempts.find(({ leader }) => !this.isUp(leader));
      if (down !== undefined) return answered(unavailable(down.leader), []);
      const outcome = this.#write(attempts, fault, () => this.#storeAsOne(attempts, by));
      this.#answer(clientId, [outcome], answered);
    });
  }

  #answer(clientId: string, outcomes: readonly Outcome[], answered: ProduceAnswered): void {
    const answerMs = Math.max(this.latency('answer', clientId), ...outcomes.map((outcome) => outcome.delayMs));
    if (answerMs === Infinity) return;
    const answers = outcomes.flatMap((outcome) => outcome.answers);
    this.#later(answerMs, () => answered(null, answers));
  }

  #later(ms: number, then: () => void): void {
    if (ms > 0) this.clock.after(ms, then);
    else then();
  }

  #write(
    attempts: readonly ProduceAttempt[],
    fault: ProduceFault | undefined,
    store: () => readonly PartitionAnswer[],
  ): Outcome {
    switch (fault?.kind) {
      case undefined:
        return { answers: store(), delayMs: 0 };
      case 'lose-answer':
        store();
        return { answers: [], delayMs: 0 };
      case 'lose-request':
        return { answers: [], delayMs: 0 };
      case 'delay-answer':
        return { answers: store(), delayMs: fault.ms };
      case 'store-late':
        this.clock.after(fault.ms, store);
        return { answers: [], delayMs: 0 };
      case 'hold':
        fault.held(store);
        return { answers: [], delayMs: 0 };
      case 'silence':
        if (fault.stored) store();
        return { answers: [], delayMs: Infinity };
      case 'refuse':
        return { answers: attempts.map((attempt) => answerOf(attempt, fault.errorCode)), delayMs: 0 };
    }
  }

  #fault(attempt: ProduceAttempt): ProduceFault | undefined {
    for (const decide of this.faults) {
      const fault = decide(attempt);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #store(attempt: ProduceAttempt): PartitionAnswer {
    const errorCode = this.#refusal(attempt);
    if (errorCode !== 0) return answerOf(attempt, errorCode);
    const { topic, partition, records, clientId } = attempt;
    return answerOf(attempt, 0, this.append(topic, partition, records, clientId));
  }

  #storeAsOne(attempts: readonly ProduceAttempt[], by: FakeTransactionWrite): readonly PartitionAnswer[] {
    const transactions = this.#transactions.get(by.transactionalId);
    const verdict = transactionVerdict(transactions, by, attempts);
    if (verdict !== null) return verdict;
    const refusals = attempts.map((attempt) => this.#refusal(attempt));
    if (refusals.some((errorCode) => errorCode !== 0)) {
      return attempts.map((attempt, index) => answerOf(attempt, refusals[index] ?? 0));
    }
    const answers = attempts.map((attempt) => this.#store(attempt));
    transactions?.stored.set(by.number, answers);
    // The marker at the end of a transaction, in each of its partitions.
    for (const { topic, partition } of attempts) this.log(topic, partition).skipOffset();
    return answers;
  }

  /** Why a broker would not store this; 0: it would. */
  #refusal({ topic, partition, records }: PartitionWrite): number {
    if (this.topics.get(topic)?.logs[partition] === undefined) return CODE_UNKNOWN_TOPIC;
    const config = this.topic(topic).spec.config;
    let bytes = 0;
    for (const { key, value, headers } of records) {
      bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
      for (const one of Object.values(headers ?? {}).flat()) bytes += one.length;
      if (key === null && config['cleanup.policy']?.includes('compact') === true) return CODE_INVALID_RECORD;
    }
    return bytes > Number(config['max.message.bytes'] ?? MESSAGE_BYTES_DEFAULT) ? CODE_MESSAGE_TOO_LARGE : 0;
  }
}

interface Outcome {
  readonly answers: readonly PartitionAnswer[];
  readonly delayMs: number;
}

function answerOf({ topic, partition }: PartitionWrite, errorCode: number, baseOffset = -1): PartitionAnswer {
  return { topic, partition, errorCode, baseOffset };
}

function unavailable(leader: number): KafkaError {
  return new KafkaError('UNAVAILABLE', `broker ${leader} does not answer`);
}
