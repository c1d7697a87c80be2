import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createStartsTogether } from './starts-together.ts';

function setUp(max: number) {
  const clock = createFakeClock();
  let calls = 0;
  const together = createStartsTogether(clock, () => (calls += 1), max);
  /** Starts as many as may start now, of so many. */
  const start = (wanted: number): number => {
    let started = 0;
    if (!together.isOver) together.begin(clock.monotonic());
    for (; started < wanted && !together.isOver; started += 1) together.taken();
    together.end(clock.monotonic());
    return started;
  };
  return { clock, start, calls: () => calls };
}

test('so many start together; the others go on when what came meanwhile had its turn', async () => {
  const { clock, start, calls } = setUp(8);
  assert.equal(start(20), 8);
  assert.equal(start(20), 0);
  assert.equal(calls(), 0);
  await clock.advance(0);
  assert.equal(calls(), 1);
  assert.equal(start(12), 8);
  await clock.advance(0);
  assert.equal(start(4), 4);
});

test('whoever starts one now and then is never held up', async () => {
  const { clock, start, calls } = setUp(3);
  for (let round = 0; round < 10; round += 1) {
    assert.equal(start(2), 2);
    await clock.advance(1);
  }
  assert.equal(calls(), 0);
});
