import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goThrough } from './go-through.ts';

test('all are visited in order, and others have their turn in between', async () => {
  const seen: number[] = [];
  const numbers = Array.from({ length: 1_700 }, (_, n) => n);
  const going = goThrough(
    numbers,
    (n) => void seen.push(n),
    () => false,
  );
  const first = seen.length;
  assert.ok(first > 0 && first < numbers.length);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(seen.length > first && seen.length < numbers.length);
  await going;
  assert.deepEqual(seen, numbers);
});

test('when it is over nothing more is visited', async () => {
  let visited = 0;
  const numbers = Array.from({ length: 1_700 }, (_, n) => n);
  await goThrough(
    numbers,
    () => void (visited += 1),
    () => visited >= 700,
  );
  assert.equal(visited, 700);
});
