import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatRevision, parseRevision, revisionReached } from './revision.ts';

const revision = fc.bigInt({ min: 0n, max: 2n ** 64n });

test('a revision survives its text', () => {
  fc.assert(fc.property(revision, (n) => assert.equal(parseRevision(formatRevision(n)), n)));
});

test('what is no revision is told from one', () => {
  for (const text of ['', ' 1', '1 ', '-1', '+1', '01', '1.0', '0x1', '1n', 'latest', '123456789012345678901']) {
    assert.equal(parseRevision(text), null, text);
  }
  assert.throws(() => formatRevision(-1n), { code: 'revision_invalid' });
});

test('revisions are compared as numbers, not as texts', () => {
  fc.assert(
    fc.property(revision, revision, (current, wanted) => {
      assert.equal(revisionReached(formatRevision(current), formatRevision(wanted)), current >= wanted);
    }),
  );
  assert.equal(revisionReached('10', '9'), true);
  assert.equal(revisionReached('9', '10'), false);
});

test('nothing asked for is always reached; nonsense never', () => {
  assert.equal(revisionReached('', ''), true);
  assert.equal(revisionReached('5', ''), true);
  assert.equal(revisionReached('', '0'), false);
  assert.equal(revisionReached('5', 'latest'), false);
  assert.equal(revisionReached('latest', 'latest'), false);
});
