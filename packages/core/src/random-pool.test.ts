import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { attemptId } from './ids.ts';
import { pooledRandom } from './random-pool.ts';

test('every byte that is drawn is handed out at most once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 7 }), (sizes) => {
      let next = 0;
      const random = pooledRandom((bytes) => {
        return Buffer.from(Array.from({ length: bytes }, () => next++ % 256));
      }, 16);
      const pieces = sizes.map((size) => random(size));
      assert.deepEqual(
        pieces.map((piece) => piece.length),
        sizes,
      );
      const handedOut = pieces.flatMap((piece) => [...piece]);
      assert.equal(new Set(handedOut).size, handedOut.length);
    }),
  );
});

test('ids from a pool are unique', () => {
  const random = pooledRandom(randomBytes);
  const ids = new Set(Array.from({ length: 10_000 }, () => attemptId(random)));
  assert.equal(ids.size, 10_000);
});
