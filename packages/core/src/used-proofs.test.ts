import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from './limits.ts';
import { numberedNonces, numberProofs } from './used-proofs.ts';

const by = Buffer.alloc(32);
const use = (proofs: ReturnType<typeof numberProofs>, nonce: Buffer, until = 1_000, now = 0): boolean =>
  proofs.use({ proof: '', nonce, until, by }, now) === null;

test('each number of a sender is good once, in whatever order they come', () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(numbers, (order) => {
      const next = numberedNonces(randomBytes);
      const nonces = Array.from({ length: 301 }, next);
      const proofs = numberProofs();
      const used = new Set<number>();
      for (const at of order) {
        assert.equal(use(proofs, nonces[at] ?? assert.fail()), !used.has(at));
        used.add(at);
      }
    }),
  );
});

test('what is far behind counts as used, and any number of calls takes no more room than a few', () => {
  const next = numberedNonces(randomBytes);
  const first = next();
  const proofs = numberProofs();
  for (let made = 0; made < 2 * limits.callProofsKeptMax; made += 1) assert.ok(use(proofs, next()));
  assert.ok(!use(proofs, first), 'it was never used, and is too late');
});

test('senders are told apart, and forgotten when nothing of theirs is worth anything; there are only so many', () => {
  const proofs = numberProofs();
  const kept = numberedNonces(randomBytes);
  const old = kept();
  assert.ok(use(proofs, old, 2_000));
  for (let sender = 1; sender < limits.callProofsKeptMax; sender += 1)
    assert.ok(use(proofs, numberedNonces(randomBytes)()));
  assert.ok(!use(proofs, numberedNonces(randomBytes)()), 'one too many');
  assert.ok(use(proofs, kept(), 2_000, 1_000), 'of one that is known');
  assert.ok(use(proofs, numberedNonces(randomBytes)(), 3_000, 1_001));
  assert.ok(!use(proofs, old, 2_000, 1_001));
});
