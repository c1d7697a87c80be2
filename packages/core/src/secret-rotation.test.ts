import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPostriderError } from './errors.ts';
import { limits } from './limits.ts';
import { signsAt, termsAfterRotation } from './secret-rotation.ts';

const now = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

test('the secret before signs for the overlap and not at its end', () => {
  const [before] = termsAfterRotation([{ id: 'a', endsAt: null }], now, HOUR_MS);
  assert.deepEqual(before, { id: 'a', endsAt: now + HOUR_MS });
  assert.equal(signsAt({ endsAt: now + HOUR_MS }, now + HOUR_MS - 1), true);
  assert.equal(signsAt({ endsAt: now + HOUR_MS }, now + HOUR_MS), false);
});

test('without an overlap it signs nothing any more, and what has ended is forgotten', () => {
  assert.deepEqual(termsAfterRotation([{ id: 'a', endsAt: null }], now, 0), []);
  const terms = [
    { id: 'ended', endsAt: now },
    { id: 'a', endsAt: null },
  ];
  assert.deepEqual(
    termsAfterRotation(terms, now, 1).map(({ id }) => id),
    ['a'],
  );
});

test('a third that signs is refused, with when there is room', () => {
  const terms = [
    { id: 'a', endsAt: now + HOUR_MS },
    { id: 'b', endsAt: null },
  ];
  assert.throws(
    () => termsAfterRotation(terms, now, HOUR_MS),
    (error) => isPostriderError(error, 'secrets_too_many') && error.message.includes('2023-11-14T23:13:20.000Z'),
  );
  // Both would be gone at once: then there is room.
  assert.deepEqual(termsAfterRotation(terms, now, 0), []);
});

test('nothing signs for longer than it would have, and never more than may', () => {
  const term = fc.record({
    id: fc.string(),
    endsAt: fc.option(fc.integer({ min: now - HOUR_MS, max: now + HOUR_MS }), { nil: null }),
  });
  fc.assert(
    fc.property(fc.array(term, { maxLength: 4 }), fc.integer({ min: 0, max: 2 * HOUR_MS }), (terms, overlapMs) => {
      try {
        const after = termsAfterRotation(terms, now, overlapMs);
        assert.ok(after.length < limits.activeSecretsMax);
        for (const { endsAt } of after) assert.ok(endsAt !== null && endsAt > now && endsAt <= now + overlapMs);
      } catch (error) {
        assert.ok(isPostriderError(error, 'secrets_too_many'));
        assert.ok(terms.filter((one) => signsAt(one, now)).length >= limits.activeSecretsMax);
      }
    }),
  );
});
