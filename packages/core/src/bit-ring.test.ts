import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBitRing } from './bit-ring.ts';

test('within any stretch of its length a ring tells all offsets apart', () => {
  const offset = fc.oneof(fc.nat(2_000), fc.integer({ min: 2 ** 40, max: 2 ** 40 + 2_000 }));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      offset,
      fc.array(fc.nat(299)),
      fc.array(fc.nat(299)),
      (size, base, added, removed) => {
        const ring = createBitRing(size);
        const model = new Set<number>();
        assert.ok(ring.length >= size);
        for (const above of added) {
          ring.add(base + (above % ring.length));
          model.add(above % ring.length);
        }
        for (const above of removed) {
          ring.delete(base + (above % ring.length));
          model.delete(above % ring.length);
        }
        for (let above = 0; above < ring.length; above++) assert.equal(ring.has(base + above), model.has(above));
      },
    ),
  );
});
