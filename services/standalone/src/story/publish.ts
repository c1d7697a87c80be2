import { randomUUID } from 'node:crypto';
import { partitionOfKey } from '@postrider/core';
import { topicName, type Ack, type KafkaPort } from '@postrider/kafka';
import { tenantId } from './resources.ts';

/** An event that stands on its topic. */
export interface PublishedEvent {
  readonly id: string;
  readonly type: string;
  readonly body: string;
  readonly ack: Ack;
}

/** Publishes a CloudEvent in binary mode, as any service of a company would. */
export async function publishEvent(
  kafka: KafkaPort,
  prefix: string,
  type: string,
  data: object,
): Promise<PublishedEvent> {
  const id = randomUUID();
  const body = JSON.stringify(data);
  const topic = topicName(prefix, 'events');
  const partitions = (await kafka.admin.offsets(topic)).length;
  const attributes = {
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: '/postrider/standalone',
    ce_type: type,
    ce_time: new Date().toISOString(),
    ce_tenant: tenantId,
    'content-type': 'application/json',
  };
  await using producer = kafka.producer({ name: 'story' });
  const ack = await producer.send({
    topic,
    partition: partitionOfKey(id, partitions),
    key: Buffer.from(id),
    value: Buffer.from(body),
    headers: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, Buffer.from(value)])),
  });
  return { id, type, body, ack };
}
