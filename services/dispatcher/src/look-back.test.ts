import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '@postrider/core';
import { lookBackStart } from './look-back.ts';

/** A partition whose record at offset i was written at times[i], ascending. */
function offsetsAtOf(times: readonly number[]) {
  return async (_topic: string, timestamp: number): Promise<ReadonlyMap<number, number>> => {
    const found = times.findIndex((time) => time >= timestamp);
    return new Map([[0, found < 0 ? times.length : found]]);
  };
}

test('reading starts at or before two minutes below the watermark, never above it, never below what exists', async () => {
  const ages = fc.array(fc.nat(3 * 86_400_000), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(ages, fc.nat(60), fc.nat(10), async (agesMs, at, low) => {
      const now = 1_767_225_600_000;
      const times = agesMs.toSorted((a, b) => b - a).map((age) => now - age);
      const watermark = Math.min(at, times.length);
      const range = { low: Math.min(low, watermark), high: times.length };
      const start = await lookBackStart({
        offsetsAt: offsetsAtOf(times),
        topic: 't',
        partition: 0,
        watermark,
        range,
        now,
      });
      assert.ok(start <= watermark && start >= range.low);
      const since = (times[watermark] ?? now) - limits.repeatLookBackMs;
      for (let offset = range.low; offset < start; offset += 1) {
        assert.ok((times[offset] ?? 0) < since, `the record at ${offset} is within two minutes and would not be read`);
      }
    }),
  );
});

test('at most 10,000 offsets are read again', async () => {
  const now = 1_767_225_600_000;
  const start = await lookBackStart({
    offsetsAt: async () => new Map([[0, 0]]),
    topic: 't',
    partition: 0,
    watermark: 50_000,
    range: { low: 0, high: 50_000 },
    now,
  });
  assert.equal(start, 40_000);
});
