import assert from 'node:assert/strict';
import { createPublicKey, randomBytes, verify as verifyEd25519 } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Secret } from './secret.ts';
import { sign, verify } from './sign.ts';
import { generateSigningSecret, parseSigningSecret, parseVerifyingKey, publicKeyOf } from './signing-key.ts';

// The vectors that Standard Webhooks publishes: one id, time and body, signed in both schemes.
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const time = 1_614_265_330;
const body = Buffer.from('{"test": 2432232314}');
const v1 = parseSigningSecret(new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'));
const v1a = parseSigningSecret(
  new Secret('whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='),
);
const v1Signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const v1aSignature = 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==';

test('the published vector of v1 is met', () => {
  assert.equal(sign([v1], id, time, body), v1Signature);
  assert.equal(verify([v1], id, time, body, v1Signature), true);
});

test('the published vector of v1a is met', () => {
  assert.equal(sign([v1a], id, time, body), v1aSignature);
  assert.equal(verify([v1a], id, time, body, v1aSignature), true);
});

test('Node’s own ed25519 verifies a v1a signature of any body', () => {
  const key = parseSigningSecret(generateSigningSecret('v1a', randomBytes));
  const raw = Buffer.from((publicKeyOf(key) ?? '').slice('whpk_'.length), 'base64');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') };
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      const signature = Buffer.from(sign([key], id, time, bytes).slice('v1a,'.length), 'base64');
      assert.ok(verifyEd25519(null, Buffer.concat([Buffer.from(`${id}.${time}.`), bytes]), publicKey, signature));
    }),
    { numRuns: 50 },
  );
});

test('while a secret is rotated both signatures are sent, newest first', () => {
  const next = parseSigningSecret(generateSigningSecret('v1', randomBytes));
  const header = sign([next, v1, v1a], id, time, body);
  const parts = header.split(' ');
  assert.equal(parts.length, 3);
  assert.deepEqual(parts.slice(1), [v1Signature, v1aSignature]);
  for (const key of [next, v1, v1a]) assert.equal(verify([key], id, time, body, header), true);
});

test('a changed id, time, body or key does not verify', () => {
  const key = parseSigningSecret(generateSigningSecret('v1', randomBytes));
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), (bytes, at) => {
      const header = sign([v1, v1a], id, time, bytes);
      const changed = Buffer.from(bytes);
      changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ 1;
      for (const keys of [[v1], [v1a]]) {
        assert.equal(verify(keys, id, time, bytes, header), true);
        assert.equal(verify(keys, id, time, changed, header), false);
        assert.equal(verify(keys, id, time + 1, bytes, header), false);
        assert.equal(verify(keys, `${id}0`, time, bytes, header), false);
      }
      assert.equal(verify([key], id, time, bytes, header), false);
    }),
    { numRuns: 50 },
  );
});

test('a part of a signature, another spelling of it, or an unknown version does not verify', () => {
  const forged = [
    '',
    'v1',
    'v1,',
    v1Signature.slice(0, -1),
    v1Signature.slice(0, 7),
    v1Signature.replace('v1,', 'v2,'),
    v1Signature.replace('v1,', 'v1a,'),
    v1aSignature.replace('v1a,', 'v1,'),
    v1Signature.slice(3),
    v1Signature.replace(',', ', '),
    `${v1Signature}AAAA`,
  ];
  for (const header of forged) assert.equal(verify([v1, v1a], id, time, body, header), false, header);
  assert.equal(verify([v1], id, time, body, `v9,AAAA ${v1Signature}`), true);
});

test('a receiver that has only the public key verifies', () => {
  const receiver = parseVerifyingKey(new Secret(publicKeyOf(v1a) ?? ''));
  assert.equal(verify([receiver], id, time, body, v1aSignature), true);
});

test('nothing is signed without a key, or with a text that could be read in two ways', () => {
  assert.throws(() => sign([], id, time, body), { code: 'internal' });
  assert.throws(() => sign([v1], 'msg.1', time, body), { code: 'internal' });
  assert.throws(() => sign([v1], '', time, body), { code: 'internal' });
  assert.throws(() => sign([v1], id, 1.5, body), { code: 'internal' });
});

test('an empty body is signed like any other', () => {
  assert.equal(verify([v1, v1a], id, time, Buffer.alloc(0), sign([v1], id, time, Buffer.alloc(0))), true);
});
