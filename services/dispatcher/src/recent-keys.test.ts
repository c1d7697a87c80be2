import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecentKeys } from './recent-keys.ts';

test('a key is known for as long as it is young and there is room', () => {
  let now = 0;
  const keys = createRecentKeys(() => now, { keysMax: 3, keysMin: 0, ageMs: 100 });
  for (const key of ['a', 'b', 'c', 'd']) keys.add(key);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => keys.has(key)),
    [false, true, true, true],
  );
  now = 50;
  keys.add('b');
  now = 101;
  keys.add('e');
  assert.deepEqual(
    ['b', 'c', 'd', 'e'].map((key) => keys.has(key)),
    [true, false, false, true],
  );
});

test('some keys are known however old they are: who reads again after a long stall meets late repeats', () => {
  let now = 0;
  const keys = createRecentKeys(() => now, { keysMax: 4, keysMin: 2, ageMs: 100 });
  for (const key of ['a', 'b', 'c']) keys.add(key);
  now = 1_000;
  keys.add('d');
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => keys.has(key)),
    [false, false, true, true],
  );
});
