import { encodeRowVersion, moveDelivery, readDelivery, type Tier } from '@postrider/core';
import { DELIVERY_HEADER, ROW_HEADER, topicName, type KafkaPort } from '@postrider/kafka';
import { deliveryRecord } from '../../services/router/src/delivery-record.ts';
import { lastOwnerRecords } from './last-owner.ts';
import { addresseeOf, benchEvent, destinationOf } from './preload.ts';
import type { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import type { BenchEndpoint } from './bench-config.ts';

const PRODUCE_BACKLOG_MAX = 20_000;

/** A delivery that waits after its first attempt. */
export interface Row {
  readonly endpoint: BenchEndpoint;
  /** Number of its event. */
  readonly event: number;
  readonly body: Buffer;
  readonly tier: Tier;
  /** Milliseconds since the Unix epoch. */
  readonly dueAt: number;
  readonly waitReason: WaitReason;
}

/** Where rows go. */
export interface RowTarget {
  readonly kafka: KafkaPort;
  readonly topicPrefix: string;
  readonly partitions: number;
}

/** Somebody has owned every partition and released it. */
export async function writeLastOwner(kafka: KafkaPort, topic: string, partitions: number): Promise<void> {
  await using producer = kafka.producer({ name: 'bench-owner' });
  for (let partition = 0; partition < partitions; partition += 1)
    for (const record of lastOwnerRecords()) await producer.send({ topic, partition, ...record });
}

/** Writes rows as that owner would have. */
export async function writeRows(target: RowTarget, count: number, rowOf: (index: number) => Row): Promise<void> {
  const { kafka, topicPrefix, partitions } = target;
  await using producer = kafka.producer({ name: 'bench-rows', batchRecordsMax: 2_000 });
  const destination = destinationOf(topicPrefix, partitions);
  const failures: Error[] = [];
  for (let index = 0; index < count; index += 1) {
    const { endpoint, event, body, tier, dueAt, waitReason } = rowOf(index);
    const routable = benchEvent(event, body, endpoint.tenant);
    const routed = deliveryRecord(routable, addresseeOf(endpoint), destination);
    const header = routed.headers?.[DELIVERY_HEADER] as Buffer;
    const row = {
      ...{ topic: topicName(topicPrefix, tier), partition: routed.partition },
      ...{ key: Buffer.from(readDelivery(header).deliveryId), value: routed.value },
      headers: {
        [DELIVERY_HEADER]: moveDelivery(header, { dueAt, waitReason, attempt: 1 }),
        [ROW_HEADER]: encodeRowVersion(0, index + 1),
      },
    };
    producer.enqueue(row, (error) => void (error !== null && failures.push(error)));
    if (producer.backlog.records > PRODUCE_BACKLOG_MAX) await producer.flush();
  }
  await producer.flush();
  if (failures[0] !== undefined) throw failures[0];
}
