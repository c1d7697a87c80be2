import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { apiKeyId, isApiKeyId, isMistyped, newApiKey, newApiKeyId } from './api-key-text.ts';

test('a made key has its id, is of one length, and cannot be printed', () => {
  for (const random of [
    randomBytes,
    (bytes: number) => Buffer.alloc(bytes),
    (bytes: number) => Buffer.alloc(bytes, 255),
  ]) {
    const id = newApiKeyId(random);
    assert.ok(isApiKeyId(id), id);
    const key = newApiKey(id, random);
    assert.equal(apiKeyId(key.reveal()), id);
    assert.equal(key.length, `prk_${id}_`.length + 49);
    assert.ok(!isMistyped(key.reveal()));
    assert.equal(String(key), '[secret]');
  }
});

test('one character that is another, missing or swapped is told from a made key', () => {
  const text = newApiKey(newApiKeyId(randomBytes), randomBytes).reveal();
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom('a', 'Z', '0', '9', '_', '-'), (at, letter) => {
      fc.pre(text[at] !== letter);
      assert.ok(isMistyped(text.slice(0, at) + letter + text.slice(at + 1)));
      assert.ok(isMistyped(text.slice(0, at) + text.slice(at + 1)));
    }),
  );
});

test('of a key that somebody made himself nothing can be told; of a made one with a chosen id, that it was changed', () => {
  for (const own of [`prk_admin_${'ab'.repeat(16)}`, `prk_admin_${'ab'.repeat(32)}`, `prk_test_${'a'.repeat(24)}`])
    assert.ok(!isMistyped(own), own);
  const chosen = newApiKey('acme1', randomBytes).reveal();
  assert.ok(!isMistyped(chosen));
  assert.ok(isMistyped(chosen.replace('acme1', 'acme2')));
});

test('what has another form has no id', () => {
  for (const text of [
    '',
    'prk_',
    'prk_abc_',
    `prk_ABCD_${'a'.repeat(30)}`,
    `prk_abcd_${'a'.repeat(129)}`,
    'sk_abcd_x',
  ]) {
    assert.equal(apiKeyId(text), null);
  }
  for (const id of ['abc', 'A123', 'a_bc', 'a'.repeat(33)]) assert.ok(!isApiKeyId(id));
});
