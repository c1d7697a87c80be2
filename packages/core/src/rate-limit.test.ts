import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRateLimit } from './rate-limit.ts';

test('however greedily one starts, no period holds more than the count, and the count is reached', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 100, max: 60_000 }), (count, periodMs) => {
      const limit = createRateLimit(count, periodMs);
      const starts: number[] = [];
      let now = 0;
      while (starts.length < count * 3) {
        now = Math.max(now, limit.openAt);
        limit.take(now);
        starts.push(now);
      }
      for (const [index, at] of starts.entries()) {
        // A hair's breadth for rounding.
        assert.ok((starts[index + count] ?? Infinity) - at > periodMs - 0.001);
      }
      const lastsMs = (starts.at(-1) ?? 0) - (starts[0] ?? 0);
      assert.ok(lastsMs <= periodMs * 3.5, `${lastsMs} ms for three periods' worth`);
    }),
  );
});
