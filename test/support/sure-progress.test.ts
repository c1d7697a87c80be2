import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSureProgress } from './sure-progress.ts';

const log = (...records: readonly (readonly [at: number, epoch: number, number: number])[]) => {
  const progress = createSureProgress();
  for (const [at, epoch, number] of records) progress.add({ at, epoch, number });
  return progress;
};

test('a record covers what finished before the one before it landed', () => {
  const progress = log([100, 1, 1], [200, 1, 2], [300, 1, 3]);
  assert.equal(progress.coveredAt(350), 200);
  assert.equal(progress.coveredAt(299), 100);
  assert.equal(progress.coveredAt(50), 0);
});

test('the first record of a reign covers no more than what was adopted', () => {
  const progress = log([100, 1, 1], [200, 1, 2], [300, 1, 3], [400, 9, 1]);
  assert.equal(progress.coveredAt(450), 200);
  progress.add({ at: 500, epoch: 9, number: 2 });
  assert.equal(progress.coveredAt(550), 400);
});

test('a record that was sent twice counts once', () => {
  const progress = log([100, 1, 1], [200, 1, 2], [250, 1, 2]);
  assert.equal(progress.coveredAt(300), 100);
  assert.equal(progress.seen.length, 2);
});
