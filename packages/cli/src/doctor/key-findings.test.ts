import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyEncryptionKeyState, ListKeyEncryptionKeysResponse } from '@postrider/contract/postrider/v1/secret_service';
import { keyFindings } from './key-findings.ts';

const now = Date.parse('2026-11-01T00:00:00Z');
const fine = { name: 'keyEncryptionKeys/kek_1', state: KeyEncryptionKeyState.PRIMARY, tenantCount: 3n };
const codes = (fields: Partial<ListKeyEncryptionKeysResponse>, since = now - 86_400_000): string[] =>
  keyFindings(
    ListKeyEncryptionKeysResponse.fromPartial({
      keyEncryptionKeys: [{ ...fine, inUseSinceTime: new Date(since) }],
      secretCount: 9n,
      ...fields,
    }),
    now,
  ).map(({ code }) => code);

test('keys that are as they should be are no finding', () => {
  assert.deepEqual(codes({}), []);
});

test('a missing key, a rotation under way, an old key and old secrets are each told', () => {
  const missing = { ...fine, state: KeyEncryptionKeyState.MISSING, kmsKey: '', inUseSinceTime: undefined };
  assert.deepEqual(codes({ keyEncryptionKeys: [missing] }), ['key-missing']);
  assert.deepEqual(codes({ toResealCount: 2n }), ['keys-resealing']);
  assert.deepEqual(codes({}, now - 366 * 86_400_000), ['key-old']);
  assert.deepEqual(codes({ oldSecretCount: 1n }), ['secrets-old']);
});
