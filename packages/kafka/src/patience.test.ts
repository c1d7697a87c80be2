import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patienceMs } from './patience.ts';

const ROUND_TRIP_MS = 1;

/** How far apart requests begin in the end, at so many records a second. */
function gapAt(perSecond: number, leastMs = 0): number {
  let gap = 4 * ROUND_TRIP_MS;
  for (let request = 0; request < 100; request += 1) {
    const records = Math.max(1, Math.floor((perSecond / 1_000) * gap));
    gap = Math.max(ROUND_TRIP_MS, ROUND_TRIP_MS + patienceMs(records, ROUND_TRIP_MS, leastMs));
  }
  return gap;
}

test('at a low rate nothing waits for more to come', () => {
  for (const perSecond of [1, 100, 500, 2_000]) assert.equal(gapAt(perSecond), ROUND_TRIP_MS);
});

test('at a high rate requests begin three milliseconds apart, and no further', () => {
  for (const perSecond of [5_000, 10_000, 1_000_000]) assert.equal(gapAt(perSecond), 3);
});

test('a request that took its time is followed at once', () => {
  assert.equal(patienceMs(1_000, 3), 0);
  assert.equal(patienceMs(1_000, 2), 1);
});

test('where the least distance is named, requests begin that far apart whatever the rate', () => {
  for (const perSecond of [100, 10_000, 1_000_000]) assert.equal(gapAt(perSecond, 5), 5);
});
