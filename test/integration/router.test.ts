/**
 * The router as a process of its own, on a real Kafka. Doubles: none; the configuration is written by hand, as the control
 * plane would write it, and deliveries are read from their topic, as a dispatcher would read them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { Quarantined, QuarantineReason } from '@postrider/contract/postrider/v1/dead_letter';
import { Delivery } from '@postrider/contract/postrider/v1/delivery';
import { EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { deliveryId, partitionOf, webhookId } from '@postrider/core';
import { connectKafka, DELIVERY_HEADER, header, QUARANTINED_HEADER, topicName, topicSpecs } from '@postrider/kafka';
import type { IncomingRecord, KafkaPort, Producer, TopicId } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { freePort, uniqueName } from '../support/resources.ts';
import { sharedKafka } from '../support/kafka.ts';
import { startService } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

const partitions = 4;
const endpoints = ['ep_one', 'ep_two'];
const roundsBeforeAll = 100;
const roundsAfterKill = 50;
/** Events of one round on each partition. */
const eventsPerRound = 5;
/** Rounds with an event that nobody can read. */
const unreadable = 3;
const waitMs = 60_000;

test('a router killed in the middle loses no event, repeats under the same ids, and keeps the order of each source partition', async (context) => {
  await using stack = new AsyncDisposableStack();
  const brokers = (await sharedKafka()).bootstrapServers;
  const prefix = `${uniqueName('router')}.`;
  const kafka = stack.use(connectKafka({ brokers, clientId: uniqueName('test'), clock: systemClock }));
  await createTopics(kafka, prefix);
  const producer = stack.use(kafka.producer({ name: 'test' }));
  await configure(producer, topicName(prefix, 'config'));
  let rounds = 0;
  const publishRounds = async (count: number) => {
    for (const last = rounds + count; rounds < last; rounds++)
      await publishRound(producer, topicName(prefix, 'events'), rounds);
  };
  await publishRounds(roundsBeforeAll);

  const deliveries: IncomingRecord[] = [];
  const distinct = new Set<string>();
  const quarantined: IncomingRecord[] = [];
  stack.use(
    await follow(kafka, topicName(prefix, 'deliveries'), (record) => {
      deliveries.push(record);
      distinct.add(keyOf(record));
    }),
  );
  stack.use(await follow(kafka, topicName(prefix, 'quarantine'), (record) => quarantined.push(record)));
  const router = stack.use(
    startService('router', {
      POSTRIDER_KAFKA_BROKERS: brokers.join(','),
      POSTRIDER_TOPIC_PREFIX: prefix,
      POSTRIDER_HEALTH_PORT: String(await freePort()),
      POSTRIDER_SESSION_TIMEOUT: '6s',
      POSTRIDER_LOG_LEVEL: 'warn',
    }),
  );
  // Events keep coming, so that it never ends before its end. It commits at least every second, and one may have just begun.
  await waitFor(() => publishRounds(1).then(() => spanMs(deliveries) > 2_500), {
    what: 'deliveries of some seconds',
    timeoutMs: waitMs,
  });
  await router.kill('SIGKILL');
  const atKill = deliveries.length;
  await publishRounds(roundsAfterKill);
  const all = rounds * eventsPerRound * partitions * endpoints.length;
  router.restart();

  await waitFor(() => distinct.size === all, { what: 'every delivery', timeoutMs: waitMs });
  await router.kill('SIGTERM');
  const repeated = deliveries.length - all;
  context.diagnostic(JSON.stringify({ all, atKill, repeated }));
  assert.ok(repeated < atKill, 'the second router began where the first had committed');
  checkDeliveries(deliveries);
  checkQuarantined(quarantined);
  const group = await groupOf(kafka, prefix);
  assert.deepEqual(
    group,
    await ends(kafka, topicName(prefix, 'events')),
    'stopped in good order, nothing is left to repeat',
  );
});

/** Between the first and the latest of these, by the broker's clock. */
function spanMs(records: readonly IncomingRecord[]): number {
  return (records.at(-1)?.timestamp ?? 0) - (records[0]?.timestamp ?? 0);
}

async function createTopics(kafka: KafkaPort, prefix: string): Promise<void> {
  const needed: TopicId[] = ['config', 'events', 'deliveries', 'deliveries.bulk', 'quarantine'];
  const names = new Set(needed.map((id) => topicName(prefix, id)));
  const specs = topicSpecs({ prefix, partitions, replicationFactor: 1, bodyBytesMax: 262_144 });
  await kafka.admin.createTopics(specs.filter(({ name }) => names.has(name)));
}

type Entity = NonNullable<Parameters<typeof ConfigRecord.fromPartial>[0]['entity']>;

async function configure(producer: Producer, topic: string): Promise<void> {
  let revision = 0;
  const put = async (key: string, entity: Entity) => {
    revision += 1;
    const record = { key, revision: String(revision), writerEpoch: 0n, schemaVersion: 1 };
    const value = Buffer.from(ConfigRecord.encode(ConfigRecord.fromPartial({ ...record, entity })).finish());
    await producer.send({ topic, partition: 0, key: Buffer.from(key), value });
  };
  await put('layout/current', { $case: 'layout', value: { generation: 1, partitions, slots: 4_096 } });
  await put('tenant/acme', { $case: 'tenant', value: { tenant: { name: 'tenants/acme' } } });
  for (const uid of endpoints) {
    const name = `tenants/acme/endpoints/${uid.slice(3)}`;
    const endpoint = { name, uid, state: EndpointState.ENABLED, revision: String(revision + 1) };
    await put(`endpoint/${uid}`, { $case: 'endpoint', value: { endpoint } });
    const subscription = {
      name: `${name}/subscriptions/all`,
      uid: `sub_${uid}`,
      endpointUid: uid,
      eventTypes: ['order.*'],
    };
    await put(`subscription/sub_${uid}`, { $case: 'subscription', value: subscription });
  }
}

const bodyOf = (id: string) => `{ "id": "${id}", "n": 1.0, "n": 2 }`;

/** Binary events on every partition, and in the first rounds one that nobody can read. */
async function publishRound(producer: Producer, topic: string, round: number): Promise<void> {
  const sent: Promise<unknown>[] = [];
  const send = (partition: number, id: string, attributes: Record<string, string>) => {
    const texts = {
      ce_specversion: '1.0',
      ce_source: '/shop',
      ce_type: 'order.paid',
      ce_tenant: 'acme',
      ...attributes,
    };
    const headers = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]));
    sent.push(producer.send({ topic, partition, key: null, value: Buffer.from(bodyOf(id)), headers }));
  };
  for (let n = 0; n < eventsPerRound; n++) {
    for (let partition = 0; partition < partitions; partition++) {
      const id = `${partition}-${round}-${n}`;
      send(partition, id, { ce_id: id });
    }
  }
  if (round < unreadable) send(0, `bad-${round}`, {});
  await Promise.all(sent);
}

function follow(kafka: KafkaPort, topic: string, onRecord: (record: IncomingRecord) => void) {
  return kafka.reader({ topic, onBatch: (batch) => batch.records.forEach((record) => onRecord(record)) });
}

const keyOf = (record: IncomingRecord) => `${String(record.key)} ${String(record.value)}`;

function checkDeliveries(records: readonly IncomingRecord[]): void {
  const idOf = new Map<string, string>();
  const lastNew = new Map<string, bigint>();
  for (const record of records) {
    const delivery = Delivery.decode(header(record, DELIVERY_HEADER) ?? Buffer.alloc(0));
    const { endpointId, source, event } = delivery;
    assert.equal(record.value?.toString(), bodyOf(event?.id ?? ''));
    assert.equal(record.key?.toString(), endpointId);
    assert.equal(record.partition, partitionOf(endpointId, partitions));
    assert.equal(delivery.deliveryId, deliveryId(webhookId('acme', '/shop', event?.id ?? ''), endpointId));
    const known = idOf.get(keyOf(record));
    idOf.set(keyOf(record), delivery.deliveryId);
    if (known !== undefined) {
      assert.equal(known, delivery.deliveryId, 'a repeat has the same id');
      continue;
    }
    const lane = `${endpointId} ${source?.partition}`;
    assert.ok((source?.offset ?? -1n) > (lastNew.get(lane) ?? -1n), `${lane}: ${source?.offset} came late`);
    lastNew.set(lane, source?.offset ?? -1n);
  }
}

function checkQuarantined(records: readonly IncomingRecord[]): void {
  const seen = new Set<string>();
  for (const record of records) {
    const { reason, field, source } = Quarantined.decode(header(record, QUARANTINED_HEADER) ?? Buffer.alloc(0));
    assert.deepEqual([reason, field, source?.partition], [QuarantineReason.ATTRIBUTE_MISSING, 'ce_id', 0]);
    seen.add(String(record.value));
  }
  assert.deepEqual(seen, new Set(Array.from({ length: unreadable }, (_, n) => bodyOf(`bad-${n}`))));
}

/** Where the next router would go on, by partition. */
async function groupOf(kafka: KafkaPort, prefix: string): Promise<readonly (number | undefined)[]> {
  const topic = topicName(prefix, 'events');
  const member = await kafka.groupMember({
    groupId: `${prefix}router`,
    processId: uniqueName('reader'),
    topics: [topic],
    startFrom: 'earliest',
    onAssigned: () => {},
    onBatch: () => {},
  });
  await using _ = member;
  const all = Array.from({ length: partitions }, (_none, partition) => member.committed({ topic, partition }));
  return (await Promise.all(all)).map((position) => position?.offset);
}

async function ends(kafka: KafkaPort, topic: string): Promise<readonly number[]> {
  return (await kafka.admin.offsets(topic)).map(({ high }) => high);
}
