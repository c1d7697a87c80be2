import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNewest } from './newest.ts';

test('the newest are kept, whatever the order they come in', () => {
  const newest = createNewest<number>(3, (n) => n);
  for (let i = 0; i < 100; i += 1) newest.add((i * 37) % 100);
  assert.deepEqual(newest.list(), [97, 98, 99]);
});
