import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createSeldom } from './seldom.ts';

test('does the first at once, and the next only after its time', async () => {
  const clock = createFakeClock();
  const seldom = createSeldom(clock, 1_000);
  let done = 0;
  const action = (): void => void (done += 1);
  seldom(action);
  await clock.advance(999);
  seldom(action);
  assert.equal(done, 1);
  await clock.advance(1);
  seldom(action);
  assert.equal(done, 2);
});
