import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { attemptId } from './ids.ts';
import { pooledRandom, separateRandom } from './random-pool.ts';

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

test('what is drawn for a secret is in no memory but its own', () => {
  const pools: Buffer[] = [];
  const random = separateRandom((bytes) => {
    const pool = Buffer.alloc(bytes, 7);
    pools.push(pool);
    return pool;
  }, 16);
  const pieces = [random(5), random(11)];
  assert.deepEqual(
    pieces.map((piece) => [...piece]),
    [Array(5).fill(7), Array(11).fill(7)],
  );
  assert.ok(pools.every((pool) => pool.every((byte) => byte === 0)));
  const memory = new Set([...pools, ...pieces].map(({ buffer }) => buffer));
  assert.ok(pieces.every(({ buffer, length }) => buffer.byteLength === length));
  assert.equal(memory.size, pools.length + pieces.length);
});

test('no two pieces for secrets are alike', () => {
  const random = separateRandom(randomBytes);
  const pieces = new Set(Array.from({ length: 10_000 }, () => random(12).toString('hex')));
  assert.equal(pieces.size, 10_000);
});
