import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBacklogKafka } from './backlog-kafka.ts';
import { createFakeKafka } from './fake-kafka.ts';
import { createFakeClock } from './fake-clock.ts';
import type { Batch } from '../src/port.ts';

const record = (partition: number, text: string) => ({
  ...{ topic: 'other', partition, key: null },
  value: Buffer.from(text),
});

function setUp() {
  const clock = createFakeClock();
  const kafka = createFakeKafka({ clock });
  kafka.createTopic('backlog', 2);
  kafka.createTopic('plain', 2);
  return {
    clock,
    kafka,
    backlog: createBacklogKafka({ kafka, topic: 'backlog', drops: (name) => name === 'dropped' }),
  };
}

test('a backlog is read in the order of its offsets, from where it is sought, and not while it is paused', async () => {
  const { clock, backlog } = setUp();
  const read: string[] = [];
  const member = await backlog.port.groupMember({
    ...{
      groupId: 'g',
      processId: 'p',
      topics: ['backlog', 'plain'],
      startFrom: 'earliest',
      onAssigned: () => undefined,
    },
    onBatch({ records, partition, nextOffset, highWatermark }: Batch) {
      for (const { offset, value } of records) read.push(`${partition}/${offset} ${value?.toString()}`);
      if (nextOffset === 250) assert.equal(highWatermark, 250);
    },
  });
  const texts = Array.from({ length: 250 }, (_, index) => `r${index}`);
  backlog.load(texts.slice(0, 150).map((text) => record(1, text)));
  backlog.load(texts.slice(150).map((text) => record(1, text)));
  await clock.runUntilIdle();
  assert.deepEqual(read, []);
  member.seek({ topic: 'backlog', partition: 1, offset: 0 });
  member.resume([{ topic: 'backlog', partition: 1 }]);
  await clock.runUntilIdle();
  assert.deepEqual(
    read,
    texts.map((text, offset) => `1/${offset} ${text}`),
  );
  member.pause([{ topic: 'backlog', partition: 1 }]);
  member.seek({ topic: 'backlog', partition: 1, offset: 248 });
  await clock.runUntilIdle();
  assert.equal(read.length, 250);
  member.resume([{ topic: 'backlog', partition: 1 }]);
  await clock.runUntilIdle();
  assert.deepEqual(read.slice(250), ['1/248 r248', '1/249 r249']);
});

test('what the one producer writes is acknowledged and dropped; what others write stands in the fake', async () => {
  const { clock, kafka, backlog } = setUp();
  const dropped = backlog.port.producer({ name: 'dropped' }).send({ ...record(0, 'a'), topic: 'plain' });
  const kept = backlog.port.producer({ name: 'kept' }).send({ ...record(0, 'b'), topic: 'plain' });
  assert.equal(backlog.acknowledged(), 0);
  await clock.advance(10);
  await Promise.all([dropped, kept]);
  assert.equal(backlog.acknowledged(), 1);
  assert.deepEqual(
    kafka.records('plain').map(({ value }) => value?.toString()),
    ['b'],
  );
});
