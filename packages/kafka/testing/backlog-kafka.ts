import { createProducerQueue } from '../src/producer-queue.ts';
import { ByteWriter } from '../src/kafkajs/byte-writer.ts';
import { batchBytesMax, writeRecordBatch } from '../src/kafkajs/record-batch.ts';
import { decodeBatches } from '../src/kafkajs/record-decode.ts';
import type { Batch, GroupMember, KafkaPort, OutgoingRecord, Producer } from '../src/port.ts';
import type { FakeKafka } from './fake-kafka.ts';

/**
 * A Kafka for benches that are not to measure a broker or its connections: one topic is a backlog, read out of record batches
 * as the answers to fetches hold them, and what one producer writes is encoded as for a request, acknowledged, and dropped.
 * All else is the fake's.
 */
export interface BacklogKafka {
  readonly port: KafkaPort;
  /** Adds to the backlog, whatever the topic that the records name. Nothing is read before the event loop's next turn. */
  load(records: readonly OutgoingRecord[]): void;
  /** How much of what the one producer wrote is acknowledged. */
  acknowledged(): number;
}

export interface BacklogKafkaOptions {
  readonly kafka: FakeKafka;
  /** Full name of the topic. */
  readonly topic: string;
  /** Whether the producer of this name is the one. */
  readonly drops: (producer: string) => boolean;
}

const BATCH_RECORDS = 100;
/** As much as a fetch brings of a busy partition. */
const ANSWER_BYTES = 1_024 * 1_024;
/** What a broker takes at least. */
const ACKNOWLEDGED_AFTER_MS = 1;

/** A backlog of nothing. */
export function createBacklogKafka({ kafka, topic, drops }: BacklogKafkaOptions): BacklogKafka {
  const fake = kafka.connect('backlog');
  const partitions = new Map<number, BacklogPartition>();
  const of = (partition: number): BacklogPartition => {
    const known = partitions.get(partition) ?? new BacklogPartition(topic, partition);
    partitions.set(partition, known);
    return known;
  };
  let acknowledged = 0;
  return {
    acknowledged: () => acknowledged,
    load(records) {
      for (const [partition, own] of Map.groupBy(records, (record) => record.partition)) of(partition).append(own);
    },
    port: {
      admin: fake.admin,
      transactionalWriter: (options) => fake.transactionalWriter(options),
      reader: (options) => fake.reader(options),
      producer(options) {
        if (!drops(options.name)) return fake.producer(options);
        const drop = (count: number): void => void (acknowledged += count);
        return droppingProducer(kafka.clock, options, drop);
      },
      async groupMember(options) {
        const member = await fake.groupMember(options);
        return backlogMember(member, topic, (partition) => of(partition).readBy(options.onBatch));
      },
      [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
    },
  };
}

function droppingProducer(
  clock: FakeKafka['clock'],
  options: Parameters<KafkaPort['producer']>[0],
  drop: (count: number) => void,
): Producer {
  return createProducerQueue(
    {
      leaderOf: () => 0,
      refresh: async () => undefined,
      async produce(_leader, take) {
        const writes = take();
        for (const { records } of writes) encoded(records, 0);
        await new Promise<void>((resolve) => void clock.after(ACKNOWLEDGED_AFTER_MS, resolve));
        for (const { records } of writes) drop(records.length);
        return writes.map(({ topic, partition }) => ({ topic, partition, errorCode: 0, baseOffset: 0 }));
      },
      reset: () => undefined,
      close: async () => undefined,
    },
    { ...options, clock },
  );
}

/** A member that reads the topic out of the backlog, and all others as `member` does. */
function backlogMember(member: GroupMember, topic: string, of: (partition: number) => BacklogPartition): GroupMember {
  const isOurs = (one: { readonly topic: string }): boolean => one.topic === topic;
  return {
    seek: (position) => (isOurs(position) ? of(position.partition).seek(position.offset) : member.seek(position)),
    pause(all) {
      for (const { partition } of all.filter(isOurs)) of(partition).pause();
      member.pause(all.filter((one) => !isOurs(one)));
    },
    resume(all) {
      for (const { partition } of all.filter(isOurs)) of(partition).resume();
      member.resume(all.filter((one) => !isOurs(one)));
    },
    reconnect: () => member.reconnect(),
    commit: (offsets) => member.commit(offsets.filter((one) => !isOurs(one))),
    committed: (one) => member.committed(one),
    get lastHeartbeatSentAt() {
      return member.lastHeartbeatSentAt;
    },
    get membership() {
      return member.membership;
    },
    sessionTimeoutMs: member.sessionTimeoutMs,
    [Symbol.asyncDispose]: () => member[Symbol.asyncDispose](),
  };
}

/** One partition of the backlog, and how far it is read. */
class BacklogPartition {
  readonly #topic: string;
  readonly #partition: number;
  /** What one fetch brings, and the offset behind it. */
  readonly #answers: { readonly bytes: Buffer; readonly end: number }[] = [];
  #onBatch: (batch: Batch) => void = () => undefined;
  #end = 0;
  #position = 0;
  #active = false;
  /** Counts seeks and pauses: what was read before the last one is stale. */
  #turn = 0;
  #planned = false;

  constructor(topic: string, partition: number) {
    this.#topic = topic;
    this.#partition = partition;
  }

  append(records: readonly OutgoingRecord[]): void {
    let batches: Buffer[] = [];
    let bytes = 0;
    const close = (): void => {
      if (batches.length > 0) this.#answers.push({ bytes: Buffer.concat(batches), end: this.#end });
      batches = [];
      bytes = 0;
    };
    for (let from = 0; from < records.length; from += BATCH_RECORDS) {
      const some = records.slice(from, from + BATCH_RECORDS);
      const batch = encoded(some, this.#end);
      if (bytes + batch.length > ANSWER_BYTES) close();
      batches.push(batch);
      bytes += batch.length;
      this.#end += some.length;
    }
    close();
    this.#plan();
  }

  readBy(onBatch: (batch: Batch) => void): this {
    this.#onBatch = onBatch;
    return this;
  }

  seek(offset: number): void {
    this.#turn += 1;
    this.#position = offset;
    this.#plan();
  }

  pause(): void {
    this.#turn += 1;
    this.#active = false;
  }

  resume(): void {
    this.#active = true;
    this.#plan();
  }

  #plan(): void {
    if (this.#planned || !this.#active) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      if (this.#active) this.#read();
    });
  }

  #read(): void {
    const answer = this.#answers.find(({ end }) => end > this.#position);
    if (answer === undefined) return;
    const turn = this.#turn;
    const where = { topic: this.#topic, partition: this.#partition };
    // Bytes of its own, as what comes from a socket has.
    const bytes = Buffer.allocUnsafeSlow(answer.bytes.length);
    answer.bytes.copy(bytes);
    for (const portion of decodeBatches(bytes, { ...where, fetchOffset: this.#position }, [])) {
      this.#position = portion.nextOffset;
      this.#onBatch({ ...where, ...portion, highWatermark: this.#end });
      if (this.#turn !== turn) return;
    }
    this.#plan();
  }
}

function encoded(records: readonly OutgoingRecord[], baseOffset: number): Buffer {
  const writer = new ByteWriter(batchBytesMax(records));
  writeRecordBatch(writer, records, Date.now());
  writer.buffer.writeBigInt64BE(BigInt(baseOffset), 0);
  return writer.buffer.subarray(0, writer.offset);
}
