import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReadStall } from './read-stall.ts';

test('reading that does not move although there is more to read stands still, from when that was first seen', () => {
  const stall = createReadStall();
  assert.equal(stall.look({ position: 5, end: 5 }, 1_000), 0);
  assert.equal(stall.look({ position: 5, end: 6 }, 2_000), 0);
  assert.equal(stall.look({ position: 5, end: 9 }, 12_000), 10_000);
});

test('reading that moves, catches up, pauses or cannot be judged does not', () => {
  const stall = createReadStall();
  stall.look({ position: 5, end: 9 }, 0);
  assert.equal(stall.look({ position: 6, end: 20 }, 10_000), 0);
  assert.equal(stall.look({ position: 6, end: 20 }, 20_000), 10_000);
  assert.equal(stall.look({ position: 20, end: 20 }, 30_000), 0);
  stall.look({ position: 20, end: 21 }, 40_000);
  assert.equal(stall.look(null, 50_000), 0);
  assert.equal(stall.look({ position: 20, end: 21 }, 60_000), 0);
});
