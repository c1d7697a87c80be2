/** The filter over a fake store and a fake clock. Observed: answers, when they come, and what the store is asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@postrider/core';
import { createFakeClock } from '@postrider/kafka/testing';
import { createFakeDoneStore } from '../testing/fake-done-store.ts';
import { createDoneFilter } from './done-filter.ts';

function create() {
  const clock = createFakeClock();
  const store = createFakeDoneStore(clock);
  const told: string[] = [];
  const events = {
    doneFilterCalled: (call: string, result: string, keys: number) => void told.push(`${call} ${result} ${keys}`),
    doneFilterLeftAlone: (error: Error) => void told.push(`left alone: ${error.message}`),
    doneFilterBack: () => void told.push('back'),
  };
  const filter = createDoneFilter({ store, clock, events, scope: 'cluster-1\npostrider.' });
  const other = createDoneFilter({ store, clock, events, scope: 'cluster-2\npostrider.' });
  /** The answer and how long it took (ms). */
  const ask = async (key: string, by = filter): Promise<{ readonly done: boolean; readonly afterMs: number }> => {
    const asked = clock.monotonic();
    let answered: { done: boolean; afterMs: number } | null = null;
    by.ask(key, (done) => {
      assert.equal(answered, null, 'answered twice');
      answered = { done, afterMs: clock.monotonic() - asked };
    });
    await clock.advanceUntil(() => answered !== null, 'an answer', 1_000);
    return answered as unknown as { done: boolean; afterMs: number };
  };
  return { clock, store, told, filter, other, ask };
}

test('what was added is known for ten minutes, and by its own installation only', async () => {
  const { clock, filter, other, ask } = create();
  filter.add('dlv_1');
  await clock.runUntilIdle();
  assert.deepEqual(await ask('dlv_1'), { done: true, afterMs: 0 });
  assert.equal((await ask('dlv_1/res_1')).done, false);
  assert.equal((await ask('dlv_1', other)).done, false);
  await clock.advance(limits.doneKeptMs);
  assert.equal((await ask('dlv_1')).done, false);
});

test('the store sees a hash and nothing of a tenant', async () => {
  const { clock, store, filter } = create();
  filter.add('dlv_of_a_tenant/res_1');
  await clock.runUntilIdle();
  assert.match(store.calls[0]?.keys[0] ?? '', /^postrider:done:[\w-]{22}$/);
});

test('what is done in one turn goes to the store in one call, and more than a batch in several', async () => {
  const { clock, store, filter } = create();
  const count = limits.doneBatchMax + 1;
  let answers = 0;
  for (let i = 0; i < count; i += 1) {
    filter.add(`dlv_${i}`);
    filter.ask(`dlv_${i}`, () => (answers += 1));
  }
  await clock.runUntilIdle();
  assert.equal(answers, count);
  const sizes = (call: string) => store.calls.filter((one) => one.call === call).map(({ keys }) => keys.length);
  assert.deepEqual(sizes('add'), [limits.doneBatchMax, 1]);
  assert.deepEqual(sizes('has'), [limits.doneBatchMax, 1]);
});

test('an error, an answer that is late and one that never comes are all no: within 50 ms', async () => {
  const { clock, store, filter, ask } = create();
  filter.add('dlv_1');
  await clock.runUntilIdle();
  store.answerAfter(limits.doneTimeoutMs - 1);
  assert.deepEqual(await ask('dlv_1'), { done: true, afterMs: limits.doneTimeoutMs - 1 });
  store.answerAfter(limits.doneTimeoutMs + 1);
  assert.deepEqual(await ask('dlv_1'), { done: false, afterMs: limits.doneTimeoutMs });
  store.answerAfter(Infinity);
  assert.deepEqual(await ask('dlv_1'), { done: false, afterMs: limits.doneTimeoutMs });
  store.answerAfter(0);
  store.fail(new Error('LOADING'));
  assert.deepEqual(await ask('dlv_1'), { done: false, afterMs: 0 });
  // A late answer neither answers again nor counts as a success.
  await clock.advance(1_000);
});

test('after five failures in a row nobody waits for it any more, and it is told once; one probe brings it back', async () => {
  const { clock, store, told, filter, ask } = create();
  filter.add('dlv_1');
  await clock.runUntilIdle();
  store.answerAfter(Infinity);
  for (let i = 0; i < limits.doneFailuresMax; i += 1) assert.equal((await ask('dlv_1')).afterMs, limits.doneTimeoutMs);
  const calls = store.calls.length;
  for (let i = 0; i < 100; i += 1) assert.deepEqual(await ask('dlv_1'), { done: false, afterMs: 0 });
  assert.equal(store.calls.length, calls);
  assert.deepEqual(
    told.filter((line) => line.startsWith('left alone')),
    ['left alone: no answer in time'],
  );
  store.answerAfter(0);
  await clock.advance(limits.doneLeftAloneMinMs);
  assert.deepEqual(await ask('dlv_1'), { done: true, afterMs: 0 });
  assert.equal(told.at(-2), 'back');
});

test('keys to be noted are bounded: while the store hangs the rest is skipped and counted', async () => {
  const { clock, store, told, filter } = create();
  store.answerAfter(Infinity);
  for (let i = 0; i < limits.doneQueueMax + 7; i += 1) filter.add(`dlv_${i}`);
  await clock.runUntilIdle();
  assert.equal(told.filter((line) => line === 'add skipped 1').length, 7);
  // The breaker opens after five batches; the others are let go at once instead of waiting 50 ms each.
  await clock.advance(limits.doneTimeoutMs * limits.doneFailuresMax);
  assert.equal(store.calls.length, limits.doneFailuresMax);
  const counted = told.map((line) => Number(/^add \w+ (\d+)$/.exec(line)?.[1] ?? 0)).reduce((sum, n) => sum + n, 0);
  assert.equal(counted, limits.doneQueueMax + 7);
});
