import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { serverLimits } from './server-limits.ts';
import { createTurns } from './turns.ts';

test('one at a time, in the order of asking, whatever became of the one before', async () => {
  const turns = createTurns(createFakeClock());
  const seen: string[] = [];
  let running = 0;
  const action =
    (name: string, fails = false) =>
    async () => {
      assert.equal((running += 1), 1);
      await Promise.resolve();
      seen.push(name);
      running -= 1;
      if (fails) throw new Error(name);
      return name;
    };
  const results = await Promise.allSettled([
    turns.take(action('a'), 1_000),
    turns.take(action('b', true), 1_000),
    turns.take(action('c'), 1_000),
  ]);
  assert.deepEqual(seen, ['a', 'b', 'c']);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});

test('the caller of a slow one is told, the next waits for its end, and one that was given up never begins', async () => {
  const clock = createFakeClock();
  const turns = createTurns(clock);
  const slow = Promise.withResolvers<string>();
  const begun: string[] = [];
  const first = turns.take(() => slow.promise, 1_000);
  const second = turns.take(async () => void begun.push('second'), 1_000);
  const firstTold = assert.rejects(first, { code: 'unavailable', message: /whether it took effect is unknown/ });
  const secondTold = assert.rejects(second, { code: 'unavailable', message: /nothing was written/ });
  await clock.advance(1_000);
  await Promise.all([firstTold, secondTold]);
  const third = turns.take(async () => void begun.push('third'), 1_000);
  await clock.runUntilIdle();
  assert.deepEqual(begun, []);
  slow.resolve('');
  await third;
  assert.deepEqual(begun, ['third']);
});

test('too many waiting are refused at once, and nothing begins after the close', async () => {
  const turns = createTurns(createFakeClock());
  const block = Promise.withResolvers<void>();
  const first = turns.take(() => block.promise, 1_000);
  await Promise.resolve();
  const waiting = Array.from({ length: serverLimits.mutationsQueuedMax }, () =>
    turns.take(async () => assert.fail(), 1_000),
  );
  await assert.rejects(
    turns.take(async () => {}, 1_000),
    { code: 'unavailable', message: /too many/ },
  );
  turns.close();
  block.resolve();
  await first;
  for (const one of waiting) await assert.rejects(one, { code: 'unavailable', message: /stopping/ });
});

test('what waited when it was closed leaves no timer behind', async () => {
  const clock = createFakeClock();
  const turns = createTurns(clock);
  const told = assert.rejects(
    turns.take(async () => {}, 1_000),
    /stopping/,
  );
  turns.close();
  await told;
  assert.equal(clock.timers, 0);
});
