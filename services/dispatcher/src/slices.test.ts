import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createSlices } from './slices.ts';

/** A clock of which a test decides how long each step takes. */
function slowClock() {
  const fake = createFakeClock();
  let spent = 0;
  const clock = { ...fake, monotonic: () => fake.monotonic() + spent, now: fake.now, after: fake.after };
  return { fake, clock, spend: (ms: number) => void (spent += ms) };
}

test('long work takes turns with everything else, and steps of two pieces of work alternate', async () => {
  const { fake, clock, spend } = slowClock();
  const slices = createSlices(clock);
  const done: string[] = [];
  const work = (name: string) => {
    let left = 4;
    return () => {
      spend(0.9);
      done.push(name);
      left -= 1;
      return left > 0;
    };
  };
  slices.run(work('a'));
  slices.run(work('b'));
  assert.deepEqual(done, ['a', 'a', 'a']);
  clock.after(0, () => done.push('timer'));
  await fake.runUntilIdle();
  assert.deepEqual(done, ['a', 'a', 'a', 'a', 'b', 'b', 'timer', 'b', 'b']);
});

test('a clock that stands still ends no slice, so the number of its steps does', async () => {
  const fake = createFakeClock();
  const slices = createSlices(fake);
  let steps = 0;
  slices.run(() => ++steps < 1_000);
  assert.ok(steps < 1_000);
  await fake.runUntilIdle();
  assert.equal(steps, 1_000);
});

test('after closing nothing is done any more', async () => {
  const { fake, clock, spend } = slowClock();
  const slices = createSlices(clock);
  let steps = 0;
  slices.run(() => {
    spend(5);
    steps += 1;
    return true;
  });
  slices.close();
  await fake.runUntilIdle();
  assert.equal(steps, 1);
});
