import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TIERS, tierFor } from './tier.ts';

test('the tier follows from the expected wait, its ends included', () => {
  const rows: [number | null, string][] = [
    [-5, 'retry.1m'],
    [0, 'retry.1m'],
    [60_000, 'retry.1m'],
    [60_001, 'retry.1h'],
    [3_600_000, 'retry.1h'],
    [3_600_001, 'retry.14d'],
    [Number.POSITIVE_INFINITY, 'retry.14d'],
    [Number.NaN, 'retry.14d'],
    [null, 'retry.14d'],
  ];
  for (const [wait, tier] of rows) assert.equal(tierFor(wait), tier, String(wait));
});

test('a longer wait is never in a more urgent tier', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(), (wait, more) => {
      assert.ok(TIERS.indexOf(tierFor(wait)) <= TIERS.indexOf(tierFor(wait + more)));
    }),
  );
});
