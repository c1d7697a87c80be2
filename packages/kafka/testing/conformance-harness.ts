import assert from 'node:assert/strict';
import type {
  Ack,
  Batch,
  IncomingRecord,
  KafkaError,
  KafkaErrorCode,
  KafkaPort,
  OutgoingRecord,
  Producer,
} from '../src/port.ts';

/** What the guarantees need of a cluster, be it real or fake. */
export interface ConformanceHarness {
  /** A connection of a new process. The suite disposes it. */
  connect(): KafkaPort;
  /** Lets time pass until the condition holds. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Lets time pass until the promise is settled. */
  settled<T>(promise: PromiseLike<T>): Promise<T>;
  /** A name that no other test uses. */
  unique(name: string): string;
  /** The clock that heartbeats are told by. */
  monotonic(): number;
  /** Leaves a gap in the partition as a transaction does, without any record. */
  leaveGap(topic: string, partition: number): Promise<void>;
  /** Deletes a topic; until it is gone. */
  deleteTopic(topic: string): Promise<void>;
  /** Makes the group take a member for dead. */
  expel(groupId: string, memberId: string): Promise<void>;
}

/** One promise of the port, and how to see that it is kept. */
export interface Guarantee {
  readonly name: string;
  run(harness: ConformanceHarness, port: KafkaPort): Promise<void>;
}

export const bytes = (text: string): Buffer => Buffer.from(text);
export const text = (record: IncomingRecord | undefined): string | undefined => record?.value?.toString();
export const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);

/** A record that counts. */
export function record(
  topic: string,
  value: string | number,
  partition = 0,
  extra: Partial<OutgoingRecord> = {},
): OutgoingRecord {
  return { topic, partition, key: bytes(`key-${value}`), value: bytes(String(value)), ...extra };
}

/** Makes a topic and waits until it can be used; its name. */
export async function makeTopic(
  harness: ConformanceHarness,
  port: KafkaPort,
  options: { readonly name?: string; readonly partitions?: number; readonly config?: Record<string, string> } = {},
): Promise<string> {
  const name = harness.unique(options.name ?? 'topic');
  const config = { 'message.timestamp.type': 'LogAppendTime', ...options.config };
  await harness.settled(
    port.admin.createTopics([{ name, partitions: options.partitions ?? 1, replicationFactor: 1, config }]),
  );
  return name;
}

/** Queues all records in one turn, as a busy service does; their acknowledgements. */
export function sendAll(
  harness: ConformanceHarness,
  producer: Producer,
  records: readonly OutgoingRecord[],
): Promise<Ack[]> {
  return harness.settled(Promise.all(records.map((one) => producer.send(one))));
}

/**
 * Everything a topic holds, by a reader of its own; once there are so many records, as the end of a transaction is answered before
 * it stands in all its partitions.
 */
export async function readAll(
  harness: ConformanceHarness,
  port: KafkaPort,
  topic: string,
  atLeast = 0,
): Promise<IncomingRecord[]> {
  const { records, onBatch } = collector();
  const reader = await harness.settled(port.reader({ topic, onBatch }));
  if (atLeast > 0) await harness.until(() => records.length >= atLeast, `${atLeast} records of ${topic}`);
  await harness.settled(reader.caughtUp);
  await reader[Symbol.asyncDispose]();
  return records;
}

/** Keeps what batches bring, and checks what must hold for each batch. */
export function collector(): {
  readonly records: IncomingRecord[];
  readonly batches: Batch[];
  onBatch(batch: Batch): void;
} {
  const records: IncomingRecord[] = [];
  const batches: Batch[] = [];
  return {
    records,
    batches,
    onBatch(batch) {
      batches.push(batch);
      for (const one of batch.records) {
        assert.equal(one.topic, batch.topic);
        assert.equal(one.partition, batch.partition);
        assert.ok(one.offset < batch.nextOffset, 'a record is behind the offset that reading goes on from');
      }
      assert.ok(batch.nextOffset <= batch.highWatermark);
      records.push(...batch.records);
    },
  };
}

/** The code with which a promise of the port rejects. */
export async function codeOf(
  harness: ConformanceHarness,
  promise: Promise<unknown>,
): Promise<KafkaErrorCode | 'nothing'> {
  try {
    await harness.settled(promise);
    return 'nothing';
  } catch (error) {
    return (error as KafkaError).code;
  }
}
