import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, type LoadFrom } from '@postrider/core';
import type { OffsetRange } from '@postrider/kafka';
import { createFakeClock } from '@postrider/kafka/testing';
import { createTierStarts } from './tier-starts.ts';

const tier = 'retry.1m';

/** Starts of partition 3; Kafka answers each question when the test says so. */
function createStarts(adopted?: ReadonlyMap<string, number>) {
  const clock = createFakeClock();
  const questions: { readonly topic: string; readonly answer: (high: number) => void; readonly fail: () => void }[] =
    [];
  const outOfRange: number[] = [];
  const troubles: Error[] = [];
  const starts = createTierStarts(
    {
      clock,
      topic: (id) => id,
      events: {
        offsetOutOfRange: (_topic: string, _partition: number, offset: number) => void outOfRange.push(offset),
        kafkaTrouble: (error: Error) => void troubles.push(error),
      } as never,
      freshOffsets: (topic) => {
        const { promise, resolve, reject } = Promise.withResolvers<readonly OffsetRange[]>();
        questions.push({
          topic,
          answer: (high) =>
            resolve([{ partition: 2, low: 0, high: 1 } as never, { partition: 3, low: 0, high } as never]),
          fail: () => reject(new Error('nobody there')),
        });
        return promise;
      },
    },
    { partition: 3, over: null },
    adopted,
  );
  return { clock, starts, questions, outOfRange, troubles, loadFrom: () => starts.loadFrom.get(tier) as LoadFrom };
}

const ends = (low: number, end: number) => new Map([[tier, { low, end }] as const]);

test('a tier is read from where the adopted progress says; without that from its beginning', () => {
  assert.deepEqual(createStarts(new Map([[tier, 40]])).starts.begin(ends(0, 90)), ends(40, 90));
  assert.deepEqual(createStarts().starts.begin(ends(7, 90)), ends(7, 90));
});

test('what retention has removed is not asked for', () => {
  const { starts, outOfRange } = createStarts(new Map([[tier, 40]]));
  assert.deepEqual(starts.begin(ends(60, 90)), ends(60, 90));
  assert.deepEqual(outOfRange, []);
});

test('a tier that ends below where it should be read from was replaced: all of it is read, and a person is told', () => {
  const { starts, outOfRange, loadFrom } = createStarts(new Map([[tier, 400]]));
  assert.deepEqual(starts.begin(ends(0, 90)), ends(0, 90));
  assert.deepEqual(outOfRange, [400]);
  assert.equal(loadFrom().offset, 0);
});

test('the ends at the takeover count a quarter of an hour later, when what landed until then is read', async () => {
  const { clock, starts, questions, loadFrom } = createStarts();
  starts.begin(ends(0, 5_000));
  starts.tick();
  assert.deepEqual(
    questions.map(({ topic }) => topic),
    ['retry.1h', 'retry.14d'],
  );
  await clock.advance(limits.lateWriteMs);
  starts.tick();
  starts.tick();
  const asked = questions.filter(({ topic }) => topic === tier);
  assert.equal(asked.length, 1);
  asked[0]?.answer(6_000);
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(starts.encode().get(tier), 0);
  loadFrom().read(6_000);
  assert.equal(starts.encode().get(tier), 5_000);
});

test('a question that Kafka does not answer is asked again', async () => {
  const { starts, questions, troubles } = createStarts();
  starts.tick();
  assert.equal(questions.length, 3);
  for (const { fail } of questions) fail();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(troubles.length, 3);
  starts.tick();
  assert.equal(questions.length, 6);
});

test('an offset that has risen is news, once a minute', async () => {
  const { clock, starts, loadFrom } = createStarts();
  assert.equal(starts.dirty, true);
  starts.encode();
  loadFrom().endIs(100, clock.monotonic());
  loadFrom().wantsEnd(clock.monotonic());
  loadFrom().read(100);
  assert.equal(starts.dirty, false);
  await clock.advance(limits.lateWriteMs);
  assert.equal(starts.dirty, false, 'nothing has risen');
  loadFrom().endIs(100, clock.monotonic());
  assert.equal(starts.dirty, true);
  starts.encode();
  assert.equal(starts.dirty, false);
});
