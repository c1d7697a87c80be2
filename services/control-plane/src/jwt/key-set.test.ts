import assert from 'node:assert/strict';
import { test } from 'node:test';
import { issuerKey } from '../../testing/tokens.ts';
import { parseKeySet } from './key-set.ts';

test('public keys for signatures are taken, and others left out', async () => {
  const { jwk } = await issuerKey('a');
  const secret = { kty: 'oct', kid: 'b', k: 'c2VjcmV0' };
  const { use: _use, ...plain } = jwk;
  const keys = [jwk, secret, { ...jwk, use: 'enc' }, plain];
  assert.equal(parseKeySet(JSON.stringify({ keys })).count, 2);
});

test('what is no key set is refused, in words without what stands in it', async () => {
  const { jwk } = await issuerKey('a');
  const rows: readonly (readonly [string, RegExp])[] = [
    ['', /^it is no JSON$/],
    ['{"keys":', /^it is no JSON$/],
    ['null', /^it has no list of keys$/],
    ['[]', /^it has no list of keys$/],
    ['{"keys":{}}', /^it has no list of keys$/],
    ['{"keys":[1]}', /^it has no list of keys$/],
    ['{"keys":[]}', /^it holds no public key for signatures$/],
    [JSON.stringify({ keys: [{ kty: 'oct', k: 'canary' }] }), /^it holds no public key for signatures$/],
    [JSON.stringify({ keys: [{ ...jwk, d: 'canary' }] }), /^it holds a private key/],
    [JSON.stringify({ keys: Array.from({ length: 101 }, () => jwk) }), /^it has more than 100 keys$/],
  ];
  for (const [text, refusal] of rows) {
    assert.throws(
      () => parseKeySet(text),
      ({ message }: Error) => refusal.test(message) && !message.includes('canary'),
    );
  }
});
