import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attempt, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { DeadLetter, Quarantined, QuarantineReason } from '@postrider/contract/postrider/v1/dead_letter';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { webhookId } from '@postrider/core';
import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { topicSpecs } from '@postrider/kafka';
import { createFakeKafka } from '@postrider/kafka/testing';
import { cli } from '../test-context.ts';

const brokers = ['--brokers', 'fake:9092'];

test('publish writes a binary-mode CloudEvent with the body untouched', async () => {
  const kafka = createFakeKafka();
  kafka.createTopic('postrider.events', 3);
  const args = [
    'publish',
    '--tenant',
    'acme',
    '--type',
    'order.paid',
    '--id',
    'e1',
    '--subject',
    's',
    '-',
    '--json',
    ...brokers,
  ];
  const run = await cli(args, { stdin: '{"n": 1.0}', kafka: () => kafka.connect() });
  assert.equal(run.exitCode, 0, run.err);
  const [record] = kafka.records('postrider.events');
  assert.equal(record?.value?.toString(), '{"n": 1.0}');
  const text = Object.fromEntries(Object.entries(record?.headers ?? {}).map(([name, value]) => [name, String(value)]));
  assert.equal(text['postrider-tenant'], 'acme');
  assert.equal(text['ce_specversion'], '1.0');
  assert.equal(text['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(run.out), {
    id: 'e1',
    webhookId: webhookId('acme', '/postrider/cli', 'e1'),
    topic: 'postrider.events',
    partition: record?.partition,
    offset: record?.offset,
  });
});

test('publish --count gives every event an id of its own', async () => {
  const kafka = createFakeKafka();
  kafka.createTopic('postrider.events', 1);
  const args = ['publish', '--tenant', 'acme', '--type', 't', '--data', 'x', '--count', '5', ...brokers];
  assert.equal((await cli(args, { kafka: () => kafka.connect() })).exitCode, 0);
  assert.equal(new Set(kafka.records('postrider.events').map((record) => String(record.headers['ce_id']))).size, 5);
});

test('publish to a topic that does not exist is exit code 4 and says how to create it', async () => {
  const kafka = createFakeKafka();
  const args = ['publish', '--tenant', 'acme', '--type', 't', '--data', 'x', ...brokers];
  const run = await cli(args, { kafka: () => kafka.connect() });
  assert.equal(run.exitCode, 4);
  assert.match(run.err, /topics apply/);
});

test('dead-letters list shows the newest of a tenant, oldest first', async () => {
  const kafka = createFakeKafka();
  kafka.createTopic('postrider.dead-letters', 2);
  for (const [n, tenant] of ['acme', 'other', 'acme', 'acme'].entries()) {
    const letter = DeadLetter.fromPartial({
      delivery: { deliveryId: `dlv_${n}`, tenant },
      reason: DeadReason.EXHAUSTED,
      time: new Date(1_000 * (10 - n)),
    });
    const encoded = Buffer.from(DeadLetter.encode(letter).finish());
    kafka.append('postrider.dead-letters', n % 2, {
      headers: { 'postrider-dead-letter': encoded },
      value: Buffer.from('{}'),
    });
  }
  const args = ['dead-letters', 'list', '--tenant', 'acme', '--limit', '2', '--json', ...brokers];
  const run = await cli(args, { kafka: () => kafka.connect() });
  const letters = JSON.parse(run.out) as { delivery: { deliveryId: string } }[];
  assert.deepEqual(
    letters.map((letter) => letter.delivery.deliveryId),
    ['dlv_2', 'dlv_0'],
  );
});

test('dead-letters list of an endpoint takes its uid, and asks the server for that of a name', async () => {
  const kafka = createFakeKafka();
  kafka.createTopic('postrider.dead-letters', 1);
  for (const endpointId of ['ep_1', 'ep_2']) {
    const encoded = Buffer.from(DeadLetter.encode(DeadLetter.fromPartial({ delivery: { endpointId } })).finish());
    kafka.append('postrider.dead-letters', 0, { headers: { 'postrider-dead-letter': encoded } });
  }
  const run = (endpoint: string) =>
    cli(['dead-letters', 'list', '--endpoint', endpoint, ...brokers], { kafka: () => kafka.connect() });
  const { out } = await run('ep_2');
  assert.match(out, /ep_2/);
  assert.doesNotMatch(out, /ep_1/);
  const named = await run('acme/orders');
  assert.equal(named.exitCode, 2);
  assert.match(named.err, /give --server/);
  assert.match((await run('orders')).err, /"orders" is no name; write tenant\/endpoint/);
});

test('attempts tail --from-beginning --no-follow ends with what stands there; --limit ends sooner', async () => {
  const kafka = createFakeKafka();
  kafka.createTopic('postrider.attempts', 1);
  for (const number of [1, 2, 3])
    kafka.append('postrider.attempts', 0, {
      value: Buffer.from(
        Attempt.encode(Attempt.fromPartial({ number, tenant: 'acme', outcome: Outcome.DELIVERED })).finish(),
      ),
    });
  kafka.append('postrider.attempts', 0, { value: Buffer.from('junk') });
  const run = (...args: string[]) =>
    cli(['attempts', 'tail', '--from-beginning', '--json', ...brokers, ...args], { kafka: () => kafka.connect() });
  const numbers = (out: string) =>
    out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { number: number }).number);
  assert.deepEqual(numbers((await run('--no-follow')).out), [1, 2, 3]);
  assert.deepEqual(numbers((await run('--limit', '2')).out), [1, 2]);
});

test('attempts tail prints its heading when there is something to read from, and not before an error', async () => {
  const tail = ['attempts', 'tail', '--from-beginning', '--no-follow', ...brokers];
  const kafka = createFakeKafka();
  const nothing = await cli(tail, { kafka: () => kafka.connect() });
  assert.deepEqual([nothing.out, nothing.exitCode === 0], ['', false]);
  kafka.createTopic('postrider.attempts', 1);
  const empty = await cli(tail, { kafka: () => kafka.connect() });
  assert.match(empty.out, /^STARTED +TENANT +ENDPOINT .*DELIVERY +WEBHOOK-ID\n$/);
});

test('quarantine list tells the reason and the field at fault', async () => {
  const kafka = createFakeKafka();
  kafka.createTopic('postrider.quarantine', 1);
  const entry = Quarantined.fromPartial({
    reason: QuarantineReason.TENANT_UNKNOWN,
    field: 'tenant',
    detail: 'there is no tenant "nope"',
    source: { topic: 'postrider.events', partition: 3, offset: 7n },
    time: new Date(0),
  });
  const encoded = Buffer.from(Quarantined.encode(entry).finish());
  kafka.append('postrider.quarantine', 0, { headers: { 'postrider-quarantined': encoded }, value: Buffer.from('{}') });
  const run = await cli(['quarantine', 'list', ...brokers], { kafka: () => kafka.connect() });
  assert.equal(run.exitCode, 0, run.err);
  assert.match(run.out, /tenant-unknown +tenant +postrider\.events\/3\/7 +there is no tenant "nope"/);
});

test('topics apply creates what is missing, and topics check then finds nothing', async () => {
  const kafka = createFakeKafka();
  const connect = { kafka: () => kafka.connect() };
  const before = await cli(['topics', 'check', ...brokers], connect);
  assert.equal(before.exitCode, 1);
  assert.match(before.out, /postrider\.deliveries does not exist/);
  assert.equal((await cli(['topics', 'apply', ...brokers], connect)).exitCode, 0);
  const after = await cli(['topics', 'check', ...brokers], connect);
  assert.equal(after.exitCode, 0, after.out);
});

test('the number of partitions is that of the installation, where none is given', async () => {
  const kafka = createFakeKafka();
  const connect = { kafka: () => kafka.connect() };
  kafka.createTopics(topicSpecs({ prefix: 'postrider.', partitions: 2, replicationFactor: 1, bodyBytesMax: 262_144 }));
  const layout = { generation: 1, partitions: 2, slots: 4_096 };
  const record = ConfigRecord.fromPartial({ key: 'layout/current', entity: { $case: 'layout', value: layout } });
  const value = Buffer.from(ConfigRecord.encode(record).finish());
  kafka.append('postrider.config', 0, { key: Buffer.from('layout/current'), value });
  const line = ['topics', 'check', '--body-bytes-max', '262144', ...brokers];
  const { exitCode, out } = await cli(line, connect);
  assert.equal(exitCode, 0, out);
  const other = await cli([...line, '--partitions', '3'], connect);
  assert.equal(other.exitCode, 1);
});

test('a topic that there is not is told by its name', async () => {
  const kafka = createFakeKafka();
  const args = ['publish', '--tenant', 'acme', '--type', 't', '--data', 'x', '--topic', 'nosuch', ...brokers];
  const { exitCode, err } = await cli(args, { kafka: () => kafka.connect() });
  assert.deepEqual([exitCode, /^postrider: There is no topic nosuch\./.test(err)], [4, true]);
});

test('an attempt is shown with its endpoint and the webhook-id that its receiver saw', async () => {
  const kafka = createFakeKafka();
  kafka.createTopic('postrider.attempts', 1);
  const attempt = Attempt.fromPartial({ endpointId: 'ep_1', webhookId: 'msg_1' });
  kafka.append('postrider.attempts', 0, { value: Buffer.from(Attempt.encode(attempt).finish()) });
  const tail = ['attempts', 'tail', '--from-beginning', '--no-follow', ...brokers];
  assert.match((await cli(tail, { kafka: () => kafka.connect() })).out, / ep_1 .* msg_1\n$/);
});
