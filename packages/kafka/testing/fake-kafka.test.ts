import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from './fake-clock.ts';
import { createFakeKafka } from './fake-kafka.ts';
import type { Batch, GroupMemberOptions, KafkaError } from '../src/port.ts';

const value = (text: string) => ({ topic: 't', partition: 0, key: Buffer.from('k'), value: Buffer.from(text) });

function setUp(options: { brokers?: number; partitions?: number; config?: Record<string, string> } = {}) {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock, ...(options.brokers === undefined ? {} : { brokers: options.brokers }) });
  kafka.createTopic('t', options.partitions ?? 1, options.config);
  const stored = (partition?: number) => kafka.records('t', partition).map((record) => String(record.value));
  return { clock, kafka, stored };
}

function memberOptions(read: string[], change: Partial<GroupMemberOptions> = {}): GroupMemberOptions {
  return {
    groupId: 'g',
    processId: 'p',
    topics: ['t'],
    startFrom: 'earliest',
    onAssigned: () => undefined,
    onBatch: (batch: Batch) => void read.push(...batch.records.map((record) => String(record.value))),
    ...change,
  };
}

test('a lost answer stores the record twice, acknowledges the second, and no later record overtakes', async () => {
  const { clock, kafka, stored } = setUp();
  kafka.failNextProduce('t', { kind: 'lose-answer' });
  const producer = kafka.connect().producer({ name: 'w', batchRecordsMax: 1 });
  const acks = Promise.all([producer.send(value('a')), producer.send(value('b'))]);
  await clock.advance(1_000);
  assert.deepEqual(stored(), ['a', 'a', 'b']);
  assert.deepEqual(
    (await acks).map(({ offset }) => offset),
    [1, 2],
  );
});

test('a lost request is sent again, once', async () => {
  const { clock, kafka, stored } = setUp();
  kafka.failNextProduce('t', { kind: 'lose-request' }, 3);
  const sent = kafka.connect().producer({ name: 'w' }).send(value('a'));
  await clock.advance(5_000);
  assert.equal((await sent).offset, 0);
  assert.deepEqual(stored(), ['a']);
});

test('an acknowledgement that takes its time holds the next batch back', async () => {
  const { clock, kafka, stored } = setUp();
  kafka.failNextProduce('t', { kind: 'delay-answer', ms: 3_000 });
  const producer = kafka.connect().producer({ name: 'w', batchRecordsMax: 1 });
  let acks = 0;
  for (const text of ['a', 'b']) producer.enqueue(value(text), () => (acks += 1));
  await clock.advance(2_999);
  assert.deepEqual(stored(), ['a']);
  assert.equal(acks, 0);
  await clock.advance(1);
  assert.deepEqual([stored(), acks], [['a', 'b'], 2]);
});

test('a write that the broker stores late stands behind its own repetition', async () => {
  const { clock, kafka, stored } = setUp();
  kafka.failNextProduce('t', { kind: 'store-late', ms: 60_000 });
  const port = kafka.connect();
  const producer = port.producer({ name: 'w' });
  await Promise.all([producer.send(value('a')), clock.advance(1_000)]);
  await Promise.all([producer.send(value('b')), clock.advance(1)]);
  port.kill();
  await clock.advance(60_000);
  assert.deepEqual(stored(), ['a', 'b', 'a']);
});

test('a send without an answer ends with its deadline and is sent again', async () => {
  const { clock, kafka, stored } = setUp();
  kafka.failNextProduce('t', { kind: 'silence', stored: true });
  const sent = kafka.connect().producer({ name: 'w', sendDeadlineMs: 20_000 }).send(value('a'));
  await clock.advance(19_999);
  assert.deepEqual(stored(), ['a']);
  await clock.advance(200);
  assert.equal((await sent).offset, 1);
});

test('a refused record fails, and errors that may pass are tried again', async () => {
  const { clock, kafka, stored } = setUp();
  const producer = kafka.connect().producer({ name: 'w' });
  kafka.failNextProduce('t', { kind: 'refuse', errorCode: 87 });
  await assert.rejects(producer.send(value('bad')), { code: 'RECORD_REFUSED' });
  kafka.failNextProduce('t', { kind: 'refuse', errorCode: 19 }, 5);
  const sent = producer.send(value('good'));
  await clock.advance(10_000);
  assert.equal((await sent).offset, 0);
  assert.deepEqual(stored(), ['good']);
});

test('a fence that falls while a record waits for its repetition stops it', async () => {
  const { clock, kafka, stored } = setUp();
  kafka.failNextProduce('t', { kind: 'lose-request' });
  let allowed = true;
  const sent = kafka
    .connect()
    .producer({ name: 'w' })
    .send({ ...value('a'), mayWrite: () => allowed });
  const code = sent.then(
    () => 'stored',
    (error: KafkaError) => error.code,
  );
  await clock.advance(50);
  allowed = false;
  await clock.advance(1_000);
  assert.equal(await code, 'FENCED');
  assert.deepEqual(stored(), []);
});

test('one dead broker holds back its own partitions only; they go on when it is back', async () => {
  const { clock, kafka, stored } = setUp({ brokers: 2, partitions: 2 });
  kafka.brokerDown(1);
  const producer = kafka.connect().producer({ name: 'w' });
  let acks = 0;
  for (const partition of [0, 1]) producer.enqueue({ ...value(`p${partition}`), partition }, () => (acks += 1));
  await clock.advance(30_000);
  assert.deepEqual([stored(), acks], [['p0'], 1]);
  kafka.brokerUp(1);
  await clock.advance(2_000);
  assert.deepEqual([stored(), acks], [['p0', 'p1'], 2]);
});

test('a killed process sends nothing more and hears nothing more; its session expires later', async () => {
  const { clock, kafka, stored } = setUp({ partitions: 2 });
  const read: string[] = [];
  const first = kafka.connect();
  const member = await first.groupMember(memberOptions(read, { processId: 'dead' }));
  member.resume([{ topic: 't', partition: 0 }]);
  const producer = first.producer({ name: 'w' });
  first.kill();
  producer.enqueue(value('ghost'), () => assert.fail('told after death'));
  kafka.append('t', 0, { value: Buffer.from('x') });
  const second = kafka.connect();
  const joining = second.groupMember(memberOptions([], { processId: 'alive' }));
  await clock.advance(29_000);
  assert.equal((await second.admin.describeGroup('g')).state, 'rebalancing');
  await clock.advance(1_001);
  await joining;
  assert.deepEqual((await second.admin.describeGroup('g')).members, ['alive']);
  assert.deepEqual([read, stored()], [[], ['x']]);
});

test('a process that stood still finds its session gone when it wakes, and joins again', async () => {
  const { clock, kafka } = setUp();
  const port = kafka.connect();
  const troubles: string[] = [];
  const assignments: number[] = [];
  const member = await port.groupMember(
    memberOptions([], {
      sessionTimeoutMs: 10_000,
      onAssigned: (assignment) => void assignments.push(assignment.size),
      onTrouble: (error) => void troubles.push(error.message),
    }),
  );
  const ticks: number[] = [];
  port.clock.after(5_000, () => ticks.push(clock.monotonic()));
  const before = member.lastHeartbeatSentAt;
  port.freeze();
  await clock.advance(11_000);
  assert.equal(member.lastHeartbeatSentAt, before);
  assert.deepEqual(ticks, []);
  port.thaw();
  assert.deepEqual(ticks, [clock.monotonic()]);
  await clock.advance(2_000);
  assert.deepEqual(assignments, [1, 1]);
  assert.match(troubles.join(), /took this member for dead/);
});

test('records queued by a process that stood still are asked for their fence when it wakes', async () => {
  const { clock, kafka, stored } = setUp();
  const port = kafka.connect();
  const producer = port.producer({ name: 'w' });
  port.freeze();
  const sent = producer.send({ ...value('a'), mayWrite: () => clock.monotonic() < 5_000 });
  const code = sent.then(
    () => 'stored',
    (error: KafkaError) => error.code,
  );
  await clock.advance(10_000);
  port.thaw();
  await clock.advance(1_000);
  assert.equal(await code, 'FENCED');
  assert.deepEqual(stored(), []);
});

test('while no broker is up reading stands still, and goes on by itself', async () => {
  const { clock, kafka } = setUp();
  const read: string[] = [];
  const port = kafka.connect();
  const member = await port.groupMember(memberOptions(read));
  member.resume([{ topic: 't', partition: 0 }]);
  await clock.advance(100);
  kafka.brokerDown();
  kafka.append('t', 0, { value: Buffer.from('x') });
  await clock.advance(5_000);
  assert.deepEqual(read, []);
  await assert.rejects(port.admin.offsets('t'), { code: 'UNAVAILABLE' });
  kafka.brokerUp();
  await clock.advance(100);
  assert.deepEqual(read, ['x']);
});

test('compaction keeps the newest record of a key, honours the lag, and forgets tombstones in the end', async () => {
  const day = 86_400_000;
  const { clock, kafka } = setUp({ config: { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': String(day) } });
  const put = (key: string, text: string | null) =>
    kafka.append('t', 0, { key: Buffer.from(key), value: text === null ? null : Buffer.from(text) });
  put('a', '1');
  put('a', '2');
  put('b', '1');
  put('b', null);
  assert.equal(kafka.compact('t'), 0);
  await clock.advance(day);
  put('a', '3');
  assert.equal(kafka.compact('t'), 2);
  assert.deepEqual(
    kafka.records('t').map(({ offset }) => offset),
    [1, 3, 4],
  );
  await clock.advance(day);
  assert.equal(kafka.compact('t'), 2);
  assert.deepEqual(
    kafka.records('t').map((record) => String(record.value)),
    ['3'],
  );
});

test('expiry removes what is older than the retention, and a reader behind it is told', async () => {
  const { clock, kafka } = setUp({ config: { 'retention.ms': '60000' } });
  kafka.append('t', 0, { value: Buffer.from('old') });
  await clock.advance(60_001);
  kafka.append('t', 0, { value: Buffer.from('new') });
  kafka.expire('t');
  const read: string[] = [];
  const told: number[] = [];
  const member = await kafka
    .connect()
    .groupMember(memberOptions(read, { onOffsetOutOfRange: ({ offset }) => void told.push(offset) }));
  member.seek({ topic: 't', partition: 0, offset: 0 });
  member.resume([{ topic: 't', partition: 0 }]);
  await clock.advance(1);
  assert.deepEqual([read, told], [['new'], [0]]);
});

test('without a clock the cluster lives in real time', async () => {
  const kafka = createFakeKafka();
  kafka.createTopic('t');
  await using port = kafka.connect();
  assert.equal((await port.producer({ name: 'w' }).send(value('a'))).offset, 0);
});

test('readers and members wait for a cluster that is away; closing the port ends the waiting', async () => {
  const { clock, kafka } = setUp();
  kafka.brokerDown();
  const patient = kafka.connect();
  const read: string[] = [];
  const joining = patient.groupMember(memberOptions(read));
  const opening = patient.reader({ topic: 't', onBatch: () => undefined });
  const impatient = kafka.connect();
  const given = [
    impatient.groupMember(memberOptions([], { processId: 'impatient' })),
    impatient.reader({ topic: 't', onBatch: () => undefined }),
  ].map((promise) =>
    promise.then(
      () => 'opened',
      (error: KafkaError) => error.code,
    ),
  );
  await clock.advance(60_000);
  await impatient[Symbol.asyncDispose]();
  await clock.advance(1_000);
  assert.deepEqual(await Promise.all(given), ['CLOSED', 'CLOSED']);
  kafka.brokerUp();
  await clock.advance(2_000);
  assert.equal((await opening).position(0), 0);
  assert.equal((await joining).sessionTimeoutMs, 30_000);
});
