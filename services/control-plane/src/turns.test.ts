import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { serverLimits } from './server-limits.ts';
import { createTurns } from './turns.ts';
import type { Clock } from '@postrider/core';

type Action = () => Promise<unknown>;

const turnsOf = (clock: Clock, together: string[] = []) =>
  createTurns<Action>(clock, (jobs) => {
    together.push(String(jobs.length));
    return Promise.allSettled(jobs.map((job) => job()));
  });

test('what comes while others are done is done together, in the order of asking, whatever became of those before', async () => {
  const together: string[] = [];
  const turns = turnsOf(createFakeClock(), together);
  const seen: string[] = [];
  const block = Promise.withResolvers<void>();
  const action =
    (name: string, fails = false): Action =>
    async () => {
      seen.push(name);
      if (name === 'a') await block.promise;
      if (fails) throw new Error(name);
      return name;
    };
  const results = [turns.take(action('a', true), 1_000)];
  await Promise.resolve();
  await Promise.resolve();
  results.push(turns.take(action('b'), 1_000), turns.take(action('c', true), 1_000), turns.take(action('d'), 1_000));
  const settled = Promise.allSettled(results);
  assert.deepEqual(seen, ['a']);
  block.resolve();
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual([seen.join(''), together.join()], ['abcd', '1,3']);
});

test('no more are done together than may be', async () => {
  const together: string[] = [];
  const turns = turnsOf(createFakeClock(), together);
  const most = serverLimits.mutationsTogetherMax;
  await Promise.all(Array.from({ length: most + 1 }, () => turns.take(async () => {}, 1_000)));
  assert.deepEqual(together, [String(most), '1']);
});

test('the caller of a slow one is told, the next waits for its end, and one that was given up never begins', async () => {
  const clock = createFakeClock();
  const turns = turnsOf(clock);
  const slow = Promise.withResolvers<string>();
  const begun: string[] = [];
  const first = turns.take(() => slow.promise, 1_000);
  await Promise.resolve();
  await Promise.resolve();
  const second = turns.take(async () => void begun.push('second'), 1_000);
  const firstTold = assert.rejects(first, { code: 'outcome_unknown', message: /whether it took effect is unknown/ });
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
  const turns = turnsOf(createFakeClock());
  const block = Promise.withResolvers<void>();
  const first = turns.take(() => block.promise, 1_000);
  await Promise.resolve();
  await Promise.resolve();
  const waiting = Array.from({ length: serverLimits.mutationsQueuedMax }, () =>
    turns.take(async () => assert.fail(), 1_000),
  );
  await assert.rejects(
    turns.take(async () => {}, 1_000),
    { code: 'unavailable', message: /too many/ },
  );
  const told = waiting.map((one) => assert.rejects(one, { code: 'not_leader', message: /nothing was written/ }));
  const closed = turns.close();
  await Promise.all(told);
  block.resolve();
  await first;
  await closed;
  await assert.rejects(
    turns.take(async () => assert.fail(), 1_000),
    { code: 'not_leader' },
  );
});

test('what waited when it was closed leaves no timer behind', async () => {
  const clock = createFakeClock();
  const turns = turnsOf(clock);
  const told = assert.rejects(
    turns.take(async () => {}, 1_000),
    /giving up the lead/,
  );
  await turns.close();
  await told;
  assert.equal(clock.timers, 0);
});
