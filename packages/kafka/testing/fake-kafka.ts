import { KafkaError } from '../src/port.ts';
import { createProducerQueue } from '../src/producer-queue.ts';
import { createFakeAdmin } from './fake-admin.ts';
import { createFakeCluster, type FakeClusterOptions, type StoredListener } from './fake-cluster.ts';
import { createFakeMember } from './fake-member.ts';
import { createFakeProcess } from './fake-process.ts';
import { createFakeReader } from './fake-reader.ts';
import { createFakeTransactionalWriter } from './fake-transactions.ts';
import type { Clock } from '@postrider/core';
import type { IncomingRecord, KafkaPort, Producer, TopicPartitionOffset, TopicSpec } from '../src/port.ts';
import type { FakeCluster, ProduceAttempt, ProduceFault } from './fake-cluster.ts';
import type { FakeWrite } from './fake-log.ts';
import type { AskFault, FakeProcess, Question } from './fake-process.ts';
import type { ProduceTransport } from '../src/producer-queue.ts';

/**
 * A Kafka cluster in memory that several processes share. Faithful in what Postrider relies on: offsets and gaps, LogAppendTime
 * from the clock, groups with generations and sessions, commits, compaction, deletion, and writes that are stored without
 * being acknowledged. Nothing happens by itself but by microtasks and by the clock, so a run can be repeated exactly.
 */
export interface FakeKafka {
  readonly clock: Clock;
  /**
   * A new process with its own connection. `clientId` is for the fault handlers. With `idleMs` what the process does
   * periodically is done only that often while nothing comes in or goes out.
   */
  connect(clientId?: string, options?: { readonly idleMs?: number }): FakePort;
  createTopics(specs: readonly TopicSpec[]): void;
  /** A topic with these many partitions and default settings, for tests that do not care. */
  createTopic(name: string, partitions?: number, config?: Readonly<Record<string, string>>): void;
  /** Everything that stands in a topic, by partition, then offset; of one partition when given. */
  records(topic: string, partition?: number): readonly IncomingRecord[];
  /** Writes at once, as a stranger's producer would; the record's offset. */
  append(topic: string, partition: number, write: Partial<FakeWrite>): number;
  /** Leaves a gap of one offset, as the end of a transaction does. */
  skipOffset(topic: string, partition: number): void;
  /** Runs the log cleaner, honouring `min.compaction.lag.ms` and `delete.retention.ms`; how many records went. */
  compact(topic: string): number;
  /** Removes what is older than `retention.ms`, if the topic is one that deletes. */
  expire(topic: string): void;
  /** Loses the end of a partition, from `offset` on. */
  truncate(topic: string, partition: number, offset: number): void;
  deleteTopic(topic: string): void;
  committed(groupId: string, topic: string, partition: number): TopicPartitionOffset | null;
  /** Takes a broker away (all when absent): partition i is led by broker i modulo their number. */
  brokerDown(broker?: number): void;
  brokerUp(broker?: number): void;
  /** Asks `decide` about each write of each partition until the returned function is called. The first that names a fault decides. */
  onProduce(decide: (attempt: ProduceAttempt) => ProduceFault | undefined): () => void;
  /** Asks `decide` about each question to the cluster until the returned function is called. */
  onAsk(decide: (clientId: string, what: Question) => AskFault | undefined): () => void;
  /** Tells of records as they are stored, whoever wrote them. */
  onStored(listener: StoredListener): () => void;
  /** The group takes this member for dead. */
  expel(groupId: string, memberId: string): void;
  /** Whether the group put out a member of this process because its session was over, and it has not come back. */
  expelled(groupId: string, processId: string): boolean;
  /** The same for the next `times` (default 1) writes to a topic. */
  failNextProduce(topic: string, fault: ProduceFault, times?: number): void;
}

/** A process and its connection. */
export interface FakePort extends KafkaPort {
  /** For everything the process plans: stands still with it. */
  readonly clock: Clock;
  /** SIGKILL: nothing more is sent, heard or told; the session expires later. */
  kill(): void;
  /** SIGSTOP. */
  freeze(): void;
  /** SIGCONT: what fell due meanwhile happens now. */
  thaw(): void;
  /** Nothing passes between the process and the cluster until this is called with false. */
  cut(off: boolean): void;
  loseHeartbeats(lost: boolean): void;
  /** Something other than the cluster reaches the process or is reached by it, such as an answer over HTTP. */
  io(action: () => void): void;
}

const TOMBSTONES_MS_DEFAULT = 86_400_000;

/** A cluster without topics. Without a clock it lives in real time. */
export function createFakeKafka(options: FakeClusterOptions & { readonly clock?: Clock } = {}): FakeKafka {
  const cluster = createFakeCluster(options.clock ?? realClock, options);
  const kafka: FakeKafka = {
    clock: cluster.clock,
    connect: (clientId = 'process', { idleMs = 0 } = {}) => connect(cluster, clientId, idleMs),
    createTopics: (specs) => specs.forEach((spec) => void cluster.createTopic(spec)),
    createTopic: (name, partitions = 1, config = {}) =>
      void cluster.createTopic({ name, partitions, replicationFactor: 1, config }),
    records: (topic, partition) =>
      cluster
        .topic(topic)
        .logs.flatMap((log) => (partition === undefined || partition === log.partition ? log.records : [])),
    append: (topic, partition, write) => cluster.append(topic, partition, [{ key: null, value: null, ...write }], null),
    skipOffset: (topic, partition) => cluster.log(topic, partition).skipOffset(),
    compact: (topic) => compact(cluster, topic),
    expire: (topic) => expire(cluster, topic),
    truncate: (topic, partition, offset) => cluster.log(topic, partition).truncate(offset),
    deleteTopic: (topic) => cluster.deleteTopic(topic),
    committed(groupId, topic, partition) {
      const committed = cluster.knownGroup(groupId)?.committed.get(`${topic}/${partition}`);
      return committed === undefined ? null : { topic, partition, ...committed };
    },
    brokerDown: (broker) => cluster.setUp(broker, false),
    brokerUp: (broker) => cluster.setUp(broker, true),
    onProduce(decide) {
      cluster.faults.add(decide);
      return () => void cluster.faults.delete(decide);
    },
    onAsk(decide) {
      cluster.askFaults.add(decide);
      return () => void cluster.askFaults.delete(decide);
    },
    onStored(listener) {
      cluster.storedListeners.add(listener);
      return () => void cluster.storedListeners.delete(listener);
    },
    expel: (groupId, memberId) => cluster.knownGroup(groupId)?.expel(memberId),
    expelled: (groupId, processId) => cluster.knownGroup(groupId)?.expelled(processId) ?? false,
    failNextProduce(topic, fault, times = 1) {
      let left = times;
      const remove = kafka.onProduce((attempt) => {
        if (attempt.topic !== topic) return undefined;
        left -= 1;
        if (left === 0) remove();
        return fault;
      });
    },
  };
  return kafka;
}

function compact(cluster: FakeCluster, name: string): number {
  const { spec, logs } = cluster.topic(name);
  if (spec.config['cleanup.policy']?.includes('compact') !== true) return 0;
  const lagMs = Number(spec.config['min.compaction.lag.ms'] ?? 0);
  const tombstonesMs = Number(spec.config['delete.retention.ms'] ?? TOMBSTONES_MS_DEFAULT);
  return logs.reduce((removed, log) => removed + log.compact(cluster.clock.now(), lagMs, tombstonesMs), 0);
}

function expire(cluster: FakeCluster, name: string): void {
  const { spec, logs } = cluster.topic(name);
  const retentionMs = Number(spec.config['retention.ms'] ?? -1);
  if (retentionMs < 0 || spec.config['cleanup.policy'] === 'compact') return;
  for (const log of logs) log.deleteBelow(log.offsetAt(cluster.clock.now() - retentionMs));
}

function connect(cluster: FakeCluster, clientId: string, idleMs: number): FakePort {
  const process = createFakeProcess(cluster, clientId, idleMs);
  const opened = new Set<AsyncDisposable>();
  const producers = new Set<Producer & { abandon(): void }>();
  const closing = new AbortController();
  const { signal } = closing;
  const assertOpen = () => {
    if (signal.aborted) throw new KafkaError('CLOSED', 'the connection to Kafka is closed');
  };
  const keep = <T extends AsyncDisposable>(resource: T): T => {
    opened.add(resource);
    return resource;
  };
  return {
    admin: createFakeAdmin(cluster, process),
    clock: process.clock,
    producer(options) {
      assertOpen();
      const producer = createProducerQueue(produceTransport(cluster, process, clientId), {
        ...options,
        clock: process.clock,
      });
      producers.add(producer);
      return keep(producer);
    },
    async transactionalWriter(options) {
      assertOpen();
      return keep(await createFakeTransactionalWriter(cluster, process, options, signal));
    },
    async groupMember(options) {
      assertOpen();
      return keep(await createFakeMember(cluster, process, options, signal));
    },
    async reader(options) {
      assertOpen();
      return keep(await createFakeReader(cluster, process, options, signal));
    },
    kill() {
      process.kill();
      for (const producer of producers) producer.abandon();
    },
    freeze: () => process.freeze(),
    thaw: () => process.thaw(),
    cut: (off) => process.cut(off),
    loseHeartbeats: (lost) => process.loseHeartbeats(lost),
    io: (action) => process.io(action),
    async [Symbol.asyncDispose]() {
      closing.abort();
      if (!process.alive) return;
      for (const resource of [...opened].toReversed()) await resource[Symbol.asyncDispose]();
    },
  };
}

function produceTransport(cluster: FakeCluster, process: FakeProcess, clientId: string): ProduceTransport {
  return {
    leaderOf(topic, partition) {
      if ((cluster.topics.get(topic)?.logs.length ?? 0) <= partition) return 'unknown';
      const leader = cluster.leader(topic, partition);
      return cluster.isUp(leader) ? leader : 'none';
    },
    refresh: () => process.ask('metadata', () => undefined),
    // `take` runs where a socket would be written: in the process, never while it stands still.
    produce: (leader, take) =>
      new Promise((resolve, reject) => {
        process.io(() => {
          const writes = take();
          if (writes.length === 0) return resolve([]);
          const breakOff = () => reject(new KafkaError('UNAVAILABLE', 'the connection is broken'));
          if (process.cutOff) return breakOff();
          cluster.produce(clientId, leader, writes, (error, answers) =>
            process.io(() => {
              if (error !== null) reject(error);
              else if (process.cutOff) breakOff();
              else resolve(answers);
            }),
          );
        });
      }),
    reset: () => undefined,
    close: async () => undefined,
  };
}

const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
