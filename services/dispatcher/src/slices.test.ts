import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { slowClock } from '../testing/slow-clock.ts';
import { createSlices } from './slices.ts';
import { createSweep } from './sweep.ts';

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

test('what is urgent waits for no round of all the other work, and others have their turn all the same', async () => {
  const { fake, clock, spend } = slowClock();
  const slices = createSlices(clock);
  const done: string[] = [];
  for (let work = 0; work < 50; work += 1) {
    let left = 20;
    slices.run(() => {
      spend(1);
      left -= 1;
      return left > 0;
    });
  }
  const started = clock.monotonic();
  const tookMs: number[] = [];
  const looks = createSweep<string>({
    ...{ slices, perStep: 1, isUrgent: true, mayGoOn: () => true },
    act(item) {
      spend(1);
      done.push(item);
      if (item === 'd') tookMs.push(clock.monotonic() - started);
    },
  });
  looks.run(['a', 'b', 'c', 'd']);
  clock.after(0, () => done.push('timer'));
  await fake.runUntilIdle();
  assert.deepEqual(done, ['a', 'b', 'timer', 'c', 'd']);
  assert.deepEqual(tookMs, [4]);
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

test('what has time rests after each slice', async () => {
  const { fake, clock, spend } = slowClock();
  const slices = createSlices(clock, 6);
  const at: number[] = [];
  slices.run(() => {
    spend(2);
    at.push(fake.monotonic());
    return at.length < 4;
  });
  await fake.advance(50);
  assert.deepEqual(
    at.map((ms) => ms - (at[0] ?? 0)),
    [0, 6, 12, 18],
  );
});
