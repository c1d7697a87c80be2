import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intakeFrom, rowEpochBase } from './replaced-topic.ts';

const known = { watermark: 7, doneAbove: Buffer.from([0b10]), topicId: 'one', sinceEpoch: 3 };
const now = { known, topicId: 'one', low: 2, end: 20, rowEpoch: 90 };

test('a reign goes on from what is done of the same topic, and keeps since when its rows count', () => {
  assert.deepEqual(intakeFrom(now), { ...known, replaced: false });
});

test('of another topic nothing is done, and rows of before name no record of it', () => {
  const { doneAbove, ...from } = intakeFrom({ ...now, topicId: 'two' });
  assert.deepEqual(from, { watermark: 2, topicId: 'two', sinceEpoch: 90, replaced: true });
  assert.equal(doneAbove.length, 0);
});

test('a topic that ends below what was done is another one, whatever its id says', () => {
  const { watermark, sinceEpoch, replaced } = intakeFrom({ ...now, end: 6 });
  assert.deepEqual([watermark, sinceEpoch, replaced], [2, 90, true]);
});

test('where one of the two ids is not known, the topic is taken for the same, and the id that is known is kept', () => {
  assert.deepEqual(intakeFrom({ ...now, topicId: '' }), { ...known, replaced: false });
  const { topicId, ...unnamed } = known;
  assert.deepEqual(intakeFrom({ ...now, known: unnamed }), { ...known, replaced: false });
  const first = intakeFrom({ ...now, known: undefined });
  assert.deepEqual([first.watermark, first.topicId, first.sinceEpoch, first.replaced], [0, topicId, 0, false]);
});

test('epochs of rows go on growing where ownership was deleted, and are those of claims everywhere else', () => {
  const adopted = {
    ...{ epoch: 4, number: 1, processId: 'a', released: true },
    ...{ intake: new Map([['deliveries', known]]), tiers: new Map(), holds: [] },
  };
  assert.equal(rowEpochBase(null, false, 1_000), 0);
  assert.equal(rowEpochBase(null, true, 1_000), 1_000);
  assert.equal(rowEpochBase({ ...adopted, intake: new Map() }, true, 1_000), 1_000, 'an owner that never knew a topic');
  assert.equal(rowEpochBase(adopted, true, 1_000), 0);
  assert.equal(rowEpochBase({ ...adopted, rowEpochBase: 500 }, true, 1_000), 500);
});
