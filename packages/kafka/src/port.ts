/**
 * The narrow port to Kafka: everything that Postrider needs of a client, and nothing of any client's own types.
 * Two implementations pass one conformance suite: the kafkajs adapter and the in-memory fake.
 *
 * Units: offsets and timestamps are JavaScript numbers (offsets below 2^53; timestamps in milliseconds since the Unix
 * epoch, set by the broker: all own topics use LogAppendTime). Durations are in milliseconds.
 */

/** Header values of one record, by name. Names are unique in what Postrider writes; of a repeated name in a foreign record all values are kept. */
export type Headers = Readonly<Record<string, Buffer | readonly Buffer[]>>;

/** A record to be written. The partition is always explicit: no partitioner ever guesses. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  /** `null` is a tombstone; an empty body is an empty buffer. */
  readonly value: Buffer | null;
  readonly headers?: Headers;
  /**
   * Asked synchronously each time just before the record is handed to a socket (first time and every resend), not when it
   * is queued. When it answers false the record is not written and fails with `FENCED`. When it answers `later`, the record
   * and all of its partition behind it wait, and it is asked again.
   */
  readonly mayWrite?: () => boolean | 'later';
}

/** A record as read. */
export interface IncomingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
}

/** Where an acknowledged record stands. */
export interface Ack {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A run of records of one partition, in offset order, possibly empty (only gaps, control records or aborted transactions). */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly IncomingRecord[];
  /** The offset that reading goes on from: the last offset of the batch + 1, control records and gaps included. */
  readonly nextOffset: number;
  /** The end of the partition as the broker told it with this batch. */
  readonly highWatermark: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number;
  /** Kept with the commit by the broker, at most 4,096 bytes of UTF-8; a longer one is refused before it is sent. */
  readonly metadata?: string;
}

export interface ProducerOptions {
  /** For logs and the client id. */
  readonly name: string;
  /** How far apart requests to one broker begin at least (ms): more goes into each. Default 0. An idle producer sends at once all the same. */
  readonly apartMs?: number;
  /** Records per send at most. Default 500. */
  readonly batchRecordsMax?: number;
  /** Bytes (values + keys + headers) per send at most. Default 4 MiB. */
  readonly batchBytesMax?: number;
  /** A send without an answer for this long: the underlying client is destroyed and replaced, then the batch is sent again. Default 20,000; at least 20,000 against real brokers. */
  readonly sendDeadlineMs?: number;
}

/**
 * Writes records with acks=all, again and again until each is acknowledged, fenced, refused for good by the broker, or the
 * producer is closed. Records of one partition are written in the order of the calls: one send at a time per leader, and
 * what was not acknowledged is sent again before any later record of its partition. A record may be stored more than once.
 * An idle producer sends at once; a busy one gathers records for up to 3 ms (`patience.ts`).
 */
export interface Producer extends AsyncDisposable {
  /**
   * Queues a record. `done` is called exactly once: with the acknowledgement, or with a `KafkaError` (`FENCED`, `CLOSED`,
   * `RECORD_TOO_LARGE`, `RECORD_REFUSED`). Never throws; `done` is never called synchronously.
   */
  enqueue(record: OutgoingRecord, done: (error: KafkaError | null, ack: Ack | null) => void): void;
  /** The same as a promise. */
  send(record: OutgoingRecord): Promise<Ack>;
  /** Records queued or in flight, and their bytes. */
  readonly backlog: { readonly records: number; readonly bytes: number };
  /** Resolves when nothing is queued or in flight. */
  flush(): Promise<void>;
}

export interface TransactionalWriterOptions {
  /** For logs and the client id. */
  readonly name: string;
  /** Whoever opens a writer under the same id ends every one before it. */
  readonly transactionalId: string;
  /** How long the broker keeps a transaction open of which it hears nothing. Default 30,000. */
  readonly transactionTimeoutMs?: number;
}

/**
 * Writes several records as one, as the only writer under its id: the broker refuses whatever an older one still sends, also
 * the end of a transaction that it began. Nothing is stored twice.
 */
export interface TransactionalWriter extends AsyncDisposable {
  /**
   * Stores all of these records, of however many partitions, or none of them: readers of a partition see what is of it
   * together, and in this order. One call at a time. `mayWrite` of the first is asked synchronously before anything is
   * handed to a socket, and before the end is. Resolves with where the last record of each partition stands, in the order
   * in which the partitions first come; while no broker answers it tries on.
   * @throws KafkaError `RECORD_TOO_LARGE` and `RECORD_REFUSED`: nothing is stored, and the writer can go on. Afterwards it
   * is of no use any more: `FENCED` and `CLOSED`, nothing is stored; `OUTCOME_UNKNOWN`, all of it or nothing is.
   */
  write(records: readonly OutgoingRecord[]): Promise<readonly TopicPartitionOffset[]>;
}

/** What the group gave to this member, by topic. Every partition in it is paused when `onAssigned` is called. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

export interface GroupMemberOptions {
  readonly groupId: string;
  /**
   * Unique per process; is the client id, so that `describeGroup` can tell who is a member. Each time that the group has
   * taken the member for dead it comes back as `<processId>.<n>`, n = 1, 2, …
   */
  readonly processId: string;
  /** Every topic must exist. Partition i of all of them goes to the same member (sticky, co-partitioned). */
  readonly topics: readonly string[];
  /** Where reading starts when neither `seek` nor a commit says otherwise. Out-of-range offsets go there too, and are told to `onOffsetOutOfRange`. */
  readonly startFrom: 'earliest' | 'latest';
  /** Default 30,000. The broker's `group.min.session.timeout.ms` is the least. */
  readonly sessionTimeoutMs?: number;
  /** Default 1,000. */
  readonly heartbeatIntervalMs?: number;
  /** How long a fetch waits at the broker for data. Default 100. */
  readonly maxWaitMs?: number;
  readonly maxBytesPerPartition?: number;
  /**
   * A new assignment (also when it did not change), told synchronously inside the join, before any record of it. Every
   * assigned partition is paused: nothing is read before `resume`. Partitions not named are lost.
   */
  onAssigned(assignment: Assignment): void;
  /** Records of a resumed partition. Must return quickly: work is handed over, never done inside. A batch that a seek, pause or lost partition made stale is not delivered. */
  onBatch(batch: Batch): void;
  /** The connection or the group membership broke; the adapter rejoins by itself with a new consumer. For logs and health only. */
  onTrouble?(error: Error): void;
  /** The wanted offset does not exist (truncated or expired): reading goes on from `startFrom`. Must be alarmed, never silent. */
  onOffsetOutOfRange?(position: TopicPartitionOffset): void;
}

/** One member of a consumer group. Commits are never automatic. */
export interface GroupMember extends AsyncDisposable {
  /** Reading goes on from this offset. Allowed for assigned partitions only; survives until the next assignment. */
  seek(position: TopicPartitionOffset): void;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Reading goes on from where it is over new connections; the membership is not touched. */
  reconnect(): void;
  /** Writes the group's offsets. May be partly applied when it rejects; rejects with `CLOSED` after disposal began. */
  commit(offsets: readonly TopicPartitionOffset[]): Promise<void>;
  /** The group's committed offset of one partition with its metadata; null when there is none. */
  committed(partition: TopicPartition): Promise<TopicPartitionOffset | null>;
  /**
   * `Clock.monotonic()` at the moment when the last request was *sent* by whose answer the group still lists this member: a
   * heartbeat (while members are joining, too, but not for longer than the group surely waits for one) or a successful join.
   * -Infinity before the first.
   */
  readonly lastHeartbeatSentAt: number;
  /**
   * What the group knows this member as, since the newest assignment; changed before `onAssigned` is called. As soon as the
   * group is heard to know this member no more: an empty member id, generation -1, `lastHeartbeatSentAt` -Infinity, and the
   * process id that it joins with next.
   */
  readonly membership: { readonly processId: string; readonly memberId: string; readonly generation: number };
  readonly sessionTimeoutMs: number;
}

export interface ReaderOptions {
  readonly topic: string;
  /** Reads these partitions; all of the topic's when absent. */
  readonly partitions?: readonly number[];
  /** First offset per partition; the beginning when absent. */
  readonly from?: ReadonlyMap<number, number>;
  readonly maxWaitMs?: number;
  onBatch(batch: Batch): void;
  /** Reading is interrupted, or the wanted offset does not exist: then it goes on from what is left, or from the end. */
  onTrouble?(error: Error): void;
}

/** Reads whole partitions without a group: from the beginning, then follows. */
export interface Reader extends AsyncDisposable {
  /** Resolves once everything that stood in the partitions when `reader` was called has been delivered (at once for empty ones). */
  readonly caughtUp: Promise<void>;
  /** The offset that reading goes on from. */
  position(partition: number): number;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface TopicDescription {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface OffsetRange {
  readonly partition: number;
  /** First offset that exists. */
  readonly low: number;
  /** One past the last offset. */
  readonly high: number;
}

export interface GroupDescription {
  readonly state: 'empty' | 'stable' | 'rebalancing' | 'dead';
  /** Client ids of the members. */
  readonly members: readonly string[];
}

export interface Admin {
  /** Creates what is missing and resolves when every partition of every topic answers offsets. Existing topics are left as they are. */
  createTopics(topics: readonly TopicSpec[]): Promise<{ readonly created: readonly string[] }>;
  /** Real partition counts and configuration; topics that do not exist are absent from the answer. */
  describeTopics(names: readonly string[]): Promise<readonly TopicDescription[]>;
  /** `cluster` is Kafka's cluster id. */
  describeCluster(): Promise<{ readonly cluster: string; readonly brokers: number }>;
  /**
   * What tells a topic from another that had its name before: text that never changes while the topic exists. A topic that
   * does not exist has none. Empty when the cluster is too old to tell (Kafka before 3.1).
   */
  topicIds(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** The ends of each partition, in partition order. Rejects with `UNKNOWN_TOPIC`. */
  offsets(topic: string): Promise<readonly OffsetRange[]>;
  /** For each partition the first offset whose timestamp is at or after `timestamp`; the end when there is none. */
  offsetsAt(topic: string, timestamp: number): Promise<ReadonlyMap<number, number>>;
  describeGroup(groupId: string): Promise<GroupDescription>;
  /** What the group has committed, of all topics; none for a group that there is not. */
  committedOffsets(groupId: string): Promise<readonly TopicPartitionOffset[]>;
  /** Deletes everything below these offsets. */
  deleteRecords(positions: readonly TopicPartitionOffset[]): Promise<void>;
}

/** One connection to a cluster. Disposing it closes whatever was opened through it. */
export interface KafkaPort extends AsyncDisposable {
  readonly admin: Admin;
  producer(options: ProducerOptions): Producer;
  /**
   * Resolves when every older writer of this id is refused by the broker, and what it had begun is undone or done. Waits
   * while no broker answers.
   */
  transactionalWriter(options: TransactionalWriterOptions): Promise<TransactionalWriter>;
  /** Resolves when the member has joined for the first time; `onAssigned` was called then. */
  groupMember(options: GroupMemberOptions): Promise<GroupMember>;
  reader(options: ReaderOptions): Promise<Reader>;
}

export type KafkaErrorCode =
  /** `mayWrite` answered false, or the broker knows a newer writer of the same id. */
  | 'FENCED'
  /** Whether the records were stored cannot be told: the end of their transaction was sent, and its answer never came. */
  | 'OUTCOME_UNKNOWN'
  /** The producer, member or port was closed before the call could end. */
  | 'CLOSED'
  /** Larger than the topic's `max.message.bytes` or the client's own bound; sending it again cannot help. */
  | 'RECORD_TOO_LARGE'
  /** The broker refused the record for good (unknown topic, not authorised, invalid). */
  | 'RECORD_REFUSED'
  | 'UNKNOWN_TOPIC'
  /** No broker answers; the caller may try again. */
  | 'UNAVAILABLE'
  | 'INVALID_ARGUMENT';

export class KafkaError extends Error {
  override readonly name = 'KafkaError';
  readonly code: KafkaErrorCode;
  constructor(code: KafkaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
