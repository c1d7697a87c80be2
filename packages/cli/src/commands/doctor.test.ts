/** The doctor at an installation on the fake Kafka that is broken in one way after the other. Observed: what it prints. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { encodeClaim, encodeProgress } from '@postrider/core';
import { topicSpecs } from '@postrider/kafka';
import { createFakeKafka, type FakeKafka } from '@postrider/kafka/testing';
import { cli } from '../test-context.ts';

const partitions = 2;
const brokers = ['--brokers', 'fake:9092'];

/** Topics, a layout, and an owner of both partitions; nobody is a member of a group. */
function installation(): FakeKafka {
  const kafka = createFakeKafka();
  kafka.createTopics(topicSpecs({ prefix: 'postrider.', partitions, replicationFactor: 1, bodyBytesMax: 262_144 }));
  const layout = { generation: 1, partitions, slots: 4_096 };
  const record = ConfigRecord.fromPartial({ key: 'layout/current', entity: { $case: 'layout', value: layout } });
  const value = Buffer.from(ConfigRecord.encode(record).finish());
  kafka.append('postrider.config', 0, { key: Buffer.from('layout/current'), value });
  for (let partition = 0; partition < partitions; partition += 1) {
    const claim = encodeClaim({ processId: 'd', randomId: Buffer.alloc(16, 1), followsEpoch: -1 });
    kafka.append('postrider.ownership', partition, { key: Buffer.from('owner'), value: claim });
    writeProgress(kafka, partition, false);
  }
  return kafka;
}

function writeProgress(kafka: FakeKafka, partition: number, released: boolean): void {
  const intake = new Map([['deliveries', { watermark: 0, doneAbove: Buffer.alloc(0) }]]);
  const told = { epoch: 0, number: released ? 2 : 1, processId: 'd', released, intake, tiers: new Map(), holds: [] };
  kafka.append('postrider.ownership', partition, { key: Buffer.from('progress'), value: encodeProgress(told) });
}

async function doctor(kafka: FakeKafka) {
  const run = await cli(['doctor', '--json', ...brokers], { kafka: () => kafka.connect() });
  const { findings } = JSON.parse(run.out) as { findings: { code: string; what: string }[] };
  return { ...run, codes: findings.map(({ code }) => code), findings };
}

test('without services the doctor says that none runs, and nothing else of a sound Kafka', async () => {
  const { codes, exitCode, err } = await doctor(installation());
  assert.deepEqual(codes, ['no-dispatcher', 'no-router', 'control-plane-not-asked']);
  assert.equal(exitCode, 1);
  assert.match(err, /2 errors, 3 findings in all/);
});

test('a partition that was released, one that is behind, and a topic that is gone are each found', async () => {
  const kafka = installation();
  writeProgress(kafka, 1, true);
  const value = Buffer.from('x');
  for (let i = 0; i < 10_001; i += 1) kafka.append('postrider.deliveries', 0, { value });
  kafka.deleteTopic('postrider.quarantine');
  const { codes, findings } = await doctor(kafka);
  assert.ok(codes.includes('partition-ownerless') && codes.includes('topic-unfit'));
  assert.match(findings.find(({ code }) => code === 'partition-ownerless')?.what ?? '', /1 of 2 .*: 1\./);
  assert.match(findings.find(({ code }) => code === 'topic-unfit')?.what ?? '', /postrider\.quarantine does not exist/);
  assert.match(findings.find(({ code }) => code === 'deliveries-behind')?.what ?? '', /0 \(10001\)/);
});

test('events that routers have not committed are told, and what stands before the beginning of a topic is not', async () => {
  const kafka = installation();
  const connection = kafka.connect();
  const member = await connection.groupMember({
    ...{ groupId: 'postrider.router', processId: 'r', topics: ['postrider.events'], sessionTimeoutMs: 30_000 },
    ...{ startFrom: 'earliest', onAssigned: () => {}, onBatch: () => {}, onTrouble: () => {} },
  });
  const value = Buffer.from('x');
  for (let i = 0; i < 10_003; i += 1) kafka.append('postrider.events', 1, { value });
  await member.commit([{ topic: 'postrider.events', partition: 1, offset: 2 }]);
  const before = await doctor(kafka);
  assert.match(before.findings.find(({ code }) => code === 'events-behind')?.what ?? '', /events\/1 \(10001\)/);
  await connection.admin.deleteRecords([{ topic: 'postrider.events', partition: 1, offset: 3 }]);
  assert.ok(!(await doctor(kafka)).codes.includes('events-behind'));
  await connection[Symbol.asyncDispose]();
});

test('an empty Kafka has no layout and no topics; the doctor looks at all of it before it gives up', async () => {
  const { codes } = await doctor(createFakeKafka());
  assert.ok(codes.includes('topic-unfit') && codes.includes('no-dispatcher') && codes.includes('not-found-out'));
});

test('in words each finding has its severity and what to do', async () => {
  const kafka = installation();
  const { out } = await cli(['doctor', ...brokers], { kafka: () => kafka.connect() });
  assert.match(out, /^ERROR {2}No dispatcher takes part: nothing is delivered\.\n {2}→ Start a dispatcher, or undrain/);
});

test('a doctor that could ask nobody anything says so with exit code 3', async () => {
  const { exitCode, err } = await cli(['doctor']);
  assert.equal(exitCode, 3);
  assert.match(err, /Nothing could be asked/);
});
