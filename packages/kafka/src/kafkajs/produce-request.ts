import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { batchBytesMax, writeRecordBatch } from './record-batch.ts';
import { sendFrame } from './send-frame.ts';
import type { Clock } from '@postrider/core';
import type { Broker } from './internals.ts';
import type { KafkaOptions } from './options.ts';
import type { BatchWriter } from './record-batch.ts';
import type { TopicPartition } from '../port.ts';
import type { PartitionAnswer, PartitionWrite } from '../producer-queue.ts';

/** https://kafka.apache.org/protocol#The_Messages_Produce, version 7: the newest that all brokers from 2.1 on speak in this form. */
const API_KEY = 0;
const API_VERSION = 7;
const ACKS_ALL = -1;

export interface ProduceTimes {
  /** How long the broker may wait for its followers. */
  readonly brokerTimeoutMs: number;
  /** How long we wait for the broker. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly onBrokerTime?: KafkaOptions['onBrokerTime'];
  /** The transaction that the writes are part of, and whose each is. */
  readonly transaction?: {
    readonly transactionalId: string;
    writerOf(where: TopicPartition): BatchWriter;
  };
}

/** Writes what `take` gives, asked at the socket, to one broker; what it says of each partition. */
export async function produce(
  broker: Broker,
  take: () => readonly PartitionWrite[],
  times: ProduceTimes,
): Promise<readonly PartitionAnswer[]> {
  const { clock, onBrokerTime } = times;
  let sentAt = 0;
  const payload = await sendFrame(broker, {
    apiKey: API_KEY,
    apiVersion: API_VERSION,
    apiName: 'Produce',
    connection: 0,
    timeoutMs: times.timeoutMs,
    encode(correlationId, clientId) {
      const writes = take();
      sentAt = clock.monotonic();
      return writes.length === 0 ? null : encodeProduce(writes, correlationId, clientId, times);
    },
  });
  if (payload === null) return [];
  const { answers, throttleMs, storedAt } = decodeProduce(payload);
  if (storedAt !== null) onBrokerTime?.(storedAt, clock.monotonic() - sentAt);
  broker.connectionPool.pool[0]?.requestQueue.maybeThrottle(throttleMs);
  return answers;
}

function encodeProduce(
  writes: readonly PartitionWrite[],
  correlationId: number,
  clientId: string,
  times: ProduceTimes,
): Buffer {
  const byTopic = Map.groupBy(writes, ({ topic }) => topic);
  let size = 64 + 3 * clientId.length + 3 * (times.transaction?.transactionalId.length ?? 0);
  for (const { topic, records } of writes) size += 16 + 3 * topic.length + batchBytesMax(records);
  const writer = new ByteWriter(size);
  writer.int32(0);
  writer.int16(API_KEY);
  writer.int16(API_VERSION);
  writer.int32(correlationId);
  writer.string(clientId);
  writer.string(times.transaction?.transactionalId ?? null);
  writer.int16(ACKS_ALL);
  writer.int32(times.brokerTimeoutMs);
  writer.int32(byTopic.size);
  const now = times.clock.now();
  for (const [topic, partitions] of byTopic) {
    writer.string(topic);
    writer.int32(partitions.length);
    for (const { partition, records } of partitions) {
      const by = times.transaction?.writerOf({ topic, partition });
      writer.int32(partition);
      const lengthAt = writer.offset;
      writer.int32(0);
      writeRecordBatch(writer, records, now, by);
      writer.buffer.writeInt32BE(writer.offset - lengthAt - 4, lengthAt);
    }
  }
  writer.buffer.writeInt32BE(writer.offset - 4, 0);
  return writer.buffer.subarray(0, writer.offset);
}

interface ProduceAnswer {
  readonly answers: PartitionAnswer[];
  readonly throttleMs: number;
  /** When the broker stored a record of it; null: it set no time. */
  readonly storedAt: number | null;
}

function decodeProduce(payload: Buffer): ProduceAnswer {
  const reader = new ByteReader(payload);
  const answers: PartitionAnswer[] = [];
  let storedAt: number | null = null;
  for (let topics = reader.int32(); topics > 0; topics -= 1) {
    const topic = reader.string();
    for (let partitions = reader.int32(); partitions > 0; partitions -= 1) {
      const partition = reader.int32();
      const errorCode = reader.int16();
      answers.push({ topic, partition, errorCode, baseOffset: reader.int64() });
      const appendedAt = reader.int64();
      if (appendedAt >= 0) storedAt = appendedAt;
      // Log start offset.
      reader.int64();
    }
  }
  return { answers, throttleMs: reader.int32(), storedAt };
}
