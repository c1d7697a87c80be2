import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { slowClock } from '../testing/slow-clock.ts';
import { createSlices } from './slices.ts';
import { createSweep } from './sweep.ts';

test('many things are gone through in slices, each once, and another round only after it', async () => {
  const { fake, clock, spend } = slowClock();
  const done: string[] = [];
  const sweep = createSweep<string>({
    ...{ slices: createSlices(clock), perStep: 2, mayGoOn: () => true },
    act(item) {
      spend(0.6);
      done.push(item);
    },
  });
  sweep.run(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  assert.deepEqual(done, ['a', 'b', 'c', 'd']);
  sweep.run(['not', 'now']);
  clock.after(0, () => done.push('timer'));
  await fake.runUntilIdle();
  assert.deepEqual(done, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'timer']);
  sweep.run(['again']);
  assert.equal(done.at(-1), 'again');
});

test('what may not go on any more takes nothing more from what it goes through', async () => {
  const { fake, clock, spend } = slowClock();
  let left = 3;
  let taken = 0;
  function* items(): Generator<number> {
    for (;;) yield ++taken;
  }
  const sweep = createSweep<number>({
    ...{ slices: createSlices(clock), perStep: 2, mayGoOn: () => left > 0 },
    act() {
      spend(5);
      left -= 1;
    },
  });
  sweep.run(items());
  await fake.runUntilIdle();
  assert.deepEqual([left, taken], [0, 3]);
});

test('a round that throws is over, and the next one begins at its beginning', () => {
  const done: number[] = [];
  const sweep = createSweep<number>({
    ...{ slices: createSlices(createFakeClock()), perStep: 2, mayGoOn: () => true },
    act(item) {
      if (item === 2 && done.length === 1) throw new Error('of its own');
      done.push(item);
    },
  });
  assert.throws(() => sweep.run([1, 2, 3]), /of its own/);
  sweep.run([1, 2, 3]);
  assert.deepEqual(done, [1, 1, 2, 3]);
});
