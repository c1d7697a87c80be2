import { createHash } from 'node:crypto';
import { deliveryId, partitionOf, webhookId } from '@postrider/core';
import type { OutgoingRecord } from '@postrider/kafka';
import type { Expectation } from './check-deliveries.ts';
import { wants, type Customer } from './customers.ts';
import type { Stack } from './stack.ts';

/** An event as any service of a company would publish it. */
export interface TestEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly tenant: string;
  readonly body: Buffer;
}

/** A numbered event. Its body is JSON that no program would write in just this way, so that a body written anew is noticed. */
export function numberedEvent(tenant: string, type: string, number: number): TestEvent {
  const body = Buffer.from(`{"order" : ${number}.0, "note":"caf\\u00e9 für №${number}", "lines":[ ${number % 7} ] }\n`);
  return { id: `order-${number}`, source: '/test/orders', type, tenant, body };
}

/** Publishes events as CloudEvents in binary mode, spread over all partitions; resolves when all are acknowledged. */
export async function publishEvents(stack: Stack, events: readonly TestEvent[]): Promise<void> {
  await using producer = stack.kafka.producer({ name: 'publisher' });
  const topic = stack.topic('events');
  await Promise.all(events.map((event, index) => producer.send(eventRecord(topic, index % stack.partitions, event))));
}

/** An event as it stands on a source topic, in binary mode. */
export function eventRecord(
  topic: string,
  partition: number,
  { id, source, type, tenant, body }: TestEvent,
): OutgoingRecord {
  return {
    ...{ topic, partition, key: Buffer.from(id), value: body },
    headers: {
      ce_specversion: Buffer.from('1.0'),
      ce_id: Buffer.from(id),
      ce_source: Buffer.from(source),
      ce_type: Buffer.from(type),
      ce_tenant: Buffer.from(tenant),
      'content-type': Buffer.from('application/json'),
    },
  };
}

/** What the rules say of every (event, endpoint). */
export function expectations(
  { partitions }: Stack,
  events: readonly TestEvent[],
  customers: readonly Customer[],
): Expectation[] {
  return events.flatMap(({ id, source, type, tenant, body }) => {
    const webhook = webhookId(tenant, source, id);
    const bodySha256 = createHash('sha256').update(body).digest('hex');
    return customers
      .filter((customer) => wants(customer, type))
      .map(({ endpointUid, path, ending, attempts }) => ({
        deliveryId: deliveryId(webhook, endpointUid),
        webhookId: webhook,
        partition: partitionOf(endpointUid, partitions),
        ...{ path, bodySha256, ending, attempts },
      }));
  });
}
