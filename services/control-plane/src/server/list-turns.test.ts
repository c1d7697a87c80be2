import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPostriderError } from '@postrider/core';
import { serverLimits } from '../server-limits.ts';
import { createListTurns } from './list-turns.ts';

/** Turns that go on when they are told to. */
function stepped() {
  const due: (() => void)[] = [];
  const turns = createListTurns((goOn) => void due.push(goOn));
  const step = async (): Promise<void> => {
    due.shift()?.();
    await new Promise(setImmediate);
  };
  return { turns, step };
}

test('callers take turns, however many pages each waits for, and one page is made at a time', async () => {
  const { turns, step } = stepped();
  const made: string[] = [];
  const page = (caller: string) =>
    turns.take(
      caller,
      () => true,
      () => void made.push(caller),
    );
  const all = [page('a'), page('a'), page('a'), page('a'), page('b'), page('c'), page('b')];
  const seen: string[] = [];
  for (let index = 0; index < all.length; index++) {
    seen.push(made.join(''));
    await step();
  }
  await Promise.all(all);
  assert.deepEqual(seen, ['a', 'aa', 'aab', 'aabc', 'aabca', 'aabcab', 'aabcaba']);
  // Nobody waits: the next page is made at once.
  await step();
  await page('d');
  assert.equal(made.at(-1), 'd');
});

test('a page that nobody wants any more is not made, a failure is its caller’s own, and only so many wait', async () => {
  const { turns, step } = stepped();
  let wanted = true;
  const made: string[] = [];
  const first = turns.take(
    'a',
    () => true,
    () => Promise.reject(new Error('no')),
  );
  const gone = turns.take(
    'a',
    () => wanted,
    () => void made.push('gone'),
  );
  const kept = turns.take(
    'b',
    () => true,
    () => void made.push('kept'),
  );
  wanted = false;
  const ended = Promise.allSettled([first, gone, kept]);
  for (let index = 0; index < 3; index++) await step();
  const results = await ended;
  assert.deepEqual(
    results.map((one) => one.status),
    ['rejected', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(made, ['kept']);
  void turns.take(
    'a',
    () => true,
    () => {},
  );
  for (let index = 0; index < serverLimits.listsWaitingMax; index++)
    void turns.take(
      'a',
      () => true,
      () => {},
    );
  await assert.rejects(
    turns.take(
      'b',
      () => true,
      () => {},
    ),
    (error) => isPostriderError(error, 'limit_reached'),
  );
});
