import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rateShare } from './rate-share.ts';

test('whoever shares a rate by whatever fractions, all together stay at it and reach it', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000 }), weights, (perSecond, parts) => {
      const all = parts.reduce((sum, part) => sum + part, 0);
      const forMs = 60_000;
      let starts = 0;
      let bursts = 0;
      for (const part of parts) {
        const share = rateShare(perSecond, part / all);
        bursts += Math.max(1, share.count / 10);
        for (let now = 0; now <= forMs; now = Math.max(now, share.openAt)) {
          share.take(now);
          starts += 1;
        }
      }
      const expected = (perSecond * forMs) / 1_000;
      assert.ok(starts <= expected + bursts + parts.length, `${starts} of ${expected}`);
      // One that starts one at a time is as slow as its fraction.
      assert.ok(starts >= expected * 0.9 - parts.length, `${starts} of ${expected}`);
    }),
    { numRuns: 30 },
  );
});
