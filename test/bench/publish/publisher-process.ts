/** Publishes the same events by each way; told where to by its first message, and then run by run what to do. */
import { PublishedEvent } from '@postrider/contract/postrider/v1/event_service';
import { openStockProducer, type StockProducer } from '../../../packages/kafka/testing/stock-producer.ts';
import { openPublishClient, type PublishClient } from '../../../services/control-plane/testing/publish-client.ts';
import { eventRecord } from '../../support/publish-events.ts';
import { callAtOnce, callAtRate } from '../plane/callers.ts';
import { ownCpuMicroseconds } from '../proc-stat.ts';
import type { PublisherPlan, PublisherRun, PublisherTold } from './publisher.ts';

const EVENT_TYPE = 'order.paid';
const SOURCE = '/bench/publish';
/** So that events go to every partition. */
const SUBJECTS = 256;

let plan: PublisherPlan;
let producer: StockProducer;
let client: PublishClient;
let body: Buffer;
let number = 0;
let events = 0;

process.on('message', (command: { plan?: PublisherPlan; run?: PublisherRun }) => void obey(command));
process.on('disconnect', () => process.exit(0));
process.send?.('here');

async function obey(command: { plan?: PublisherPlan; run?: PublisherRun }): Promise<void> {
  if (command.run !== undefined) return void process.send?.(await publish(command.run));
  if (command.plan === undefined) return;
  ({ plan } = command);
  producer = await openStockProducer(plan.brokers);
  client = openPublishClient(plan.reach);
  body = Buffer.from(JSON.stringify({ note: 'x'.repeat(plan.bodyBytes - '{"note":""}'.length) }));
  process.send?.('ready');
}

async function publish({ way, seconds, together, atOnce, perSecond }: PublisherRun): Promise<PublisherTold> {
  events = 0;
  const [cpuBefore, began] = [ownCpuMicroseconds(), performance.now()];
  const isOver = (): boolean => performance.now() > began + seconds * 1_000;
  const once = {
    kafkajs: () => byKafkajs(together),
    unary: () => byCall(together),
    stream: () => byStream(together, isOver),
  }[way];
  const streams = { left: atOnce };
  const next = (): (() => Promise<void>) | null =>
    way === 'stream' ? (streams.left-- > 0 ? once : null) : isOver() ? null : once;
  const called = perSecond === undefined ? await callAtOnce(atOnce, next) : await callAtRate(perSecond, seconds, once);
  return { ...called, events, wallMs: performance.now() - began, cpuUs: ownCpuMicroseconds() - cpuBefore };
}

async function byKafkajs(together: number): Promise<void> {
  // All of a call go to one partition: the cheapest that a publisher can do.
  const partition = number % plan.partitions;
  const records = Array.from({ length: together }, () => {
    const event = { id: `event-${number++}`, source: SOURCE, type: EVENT_TYPE, tenant: plan.tenant, body };
    return eventRecord(plan.topic, partition, event);
  });
  await producer.send(records);
  events += together;
}

const nextEvents = (together: number): PublishedEvent[] =>
  Array.from({ length: together }, () => {
    const [id, subject] = [`event-${number}`, `subject-${number++ % SUBJECTS}`];
    return PublishedEvent.fromPartial({ id, subject, source: SOURCE, type: EVENT_TYPE, data: body });
  });

async function byCall(together: number): Promise<void> {
  await client.publish(plan.tenant, nextEvents(together));
  events += together;
}

async function byStream(together: number, isOver: () => boolean): Promise<void> {
  const published = await client.publishStream(plan.tenant, () => (isOver() ? null : nextEvents(together)));
  events += published;
}
