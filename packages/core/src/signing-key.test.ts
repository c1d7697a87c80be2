import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import { PostriderError } from './errors.ts';
import { Secret } from './secret.ts';
import {
  generateSigningSecret,
  parseSigningSecret,
  parseVerifyingKey,
  publicKeyOf,
  schemeName,
} from './signing-key.ts';

// The key pair published with Standard Webhooks' v1a vector.
const published = '6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';

function refused(text: string, message: RegExp): void {
  assert.throws(
    () => parseSigningSecret(new Secret(text)),
    (error: unknown) => {
      assert.ok(error instanceof PostriderError);
      assert.equal(error.code, 'secret_invalid');
      assert.match(error.message, message);
      const material = text.replace(/^wh[a-z]+_/, '');
      assert.ok(material.length < 8 || !error.message.includes(material), 'the secret is shown');
      return true;
    },
  );
}

test('shared secrets have 24 to 64 bytes', () => {
  for (const length of [24, 32, 64]) {
    assert.equal(parseSigningSecret(new Secret(`whsec_${randomBytes(length).toString('base64')}`)).scheme, 'v1');
  }
  for (const length of [1, 23, 65])
    refused(`whsec_${randomBytes(length).toString('base64')}`, /24–64 bytes .* not \d+/);
});

test('only the one spelling of a secret is taken', () => {
  const raw = Buffer.alloc(32, 0xfb);
  raw[0] = 1;
  const good = raw.toString('base64');
  assert.doesNotThrow(() => parseSigningSecret(new Secret(`whsec_${good}`)));
  refused(`whsec_${raw.toString('base64url')}`, /standard base64/);
  refused(`whsec_${good.slice(0, -1)}`, /standard base64/);
  refused(`whsec_${good}\n`, /standard base64/);
  refused(` whsec_${good}`, /begin with/);
  refused(`whsec_ ${good}`, /standard base64/);
  refused('whsec_', /standard base64/);
  refused('whsec_not base64!', /standard base64/);
  refused(good, /begin with whsec_ or whsk_/);
  refused(`WHSEC_${good}`, /begin with/);
  refused('', /begin with/);
});

test('a public key cannot sign', () => {
  refused(`whpk_${Buffer.from(published, 'base64').subarray(32).toString('base64')}`, /cannot sign/);
});

test('a secret that is no secret is refused', () => {
  refused(`whsec_${Buffer.alloc(32).toString('base64')}`, /one byte repeated/);
  refused(`whsk_${Buffer.alloc(32).toString('base64')}`, /one byte repeated/);
});

test('an ed25519 secret is a seed, or a seed and its own public key', () => {
  const raw = Buffer.from(published, 'base64');
  const whole = parseSigningSecret(new Secret(`whsk_${published}`));
  const seedOnly = parseSigningSecret(new Secret(`whsk_${raw.subarray(0, 32).toString('base64')}`));
  assert.equal(whole.scheme, 'v1a');
  assert.equal(publicKeyOf(whole), `whpk_${raw.subarray(32).toString('base64')}`);
  assert.equal(publicKeyOf(seedOnly), publicKeyOf(whole));
  const foreign = Buffer.concat([raw.subarray(0, 32), randomBytes(32)]);
  refused(`whsk_${foreign.toString('base64')}`, /does not belong/);
  for (const length of [31, 33, 63, 65]) refused(`whsk_${randomBytes(length).toString('base64')}`, /32 or 64 bytes/);
});

test('generated secrets are read back, differ, and have the recommended size', () => {
  const shared = generateSigningSecret('v1', randomBytes).reveal();
  assert.match(shared, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.notEqual(shared, generateSigningSecret('v1', randomBytes).reveal());
  assert.equal(publicKeyOf(parseSigningSecret(new Secret(shared))), null);
  const pair = generateSigningSecret('v1a', randomBytes);
  assert.equal(pair.reveal().length, 'whsk_'.length + 88);
  assert.match(publicKeyOf(parseSigningSecret(pair)) ?? '', /^whpk_[A-Za-z0-9+/]{43}=$/);
});

test('a receiver’s key verifies what the signing key signed', () => {
  const body = Buffer.from('{}');
  const key = parseSigningSecret(generateSigningSecret('v1a', randomBytes));
  const receiver = parseVerifyingKey(new Secret(publicKeyOf(key) ?? ''));
  const signature = Buffer.from(key.sign('msg_1.1.', body).slice('v1a,'.length), 'base64');
  assert.equal(receiver.verify('msg_1.1.', body, signature), true);
  assert.equal(receiver.verify('msg_1.2.', body, signature), false);
  assert.throws(() => parseVerifyingKey(new Secret(`whpk_${randomBytes(31).toString('base64')}`)), {
    code: 'secret_invalid',
  });
  assert.throws(() => parseVerifyingKey(new Secret('nothing')), { code: 'secret_invalid' });
});

test('a key prints without its material', () => {
  for (const scheme of ['v1', 'v1a'] as const) {
    const secret = generateSigningSecret(scheme, randomBytes);
    const key = parseSigningSecret(secret);
    const raw = Buffer.from(secret.reveal().replace(/^wh[a-z]+_/, ''), 'base64').subarray(0, 32);
    const print = inspect(key, { depth: null, showHidden: true }) + JSON.stringify(key);
    for (const form of ['hex', 'base64'] as const) assert.ok(!print.includes(raw.toString(form).slice(0, 40)));
    assert.ok(!print.includes([...raw].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')));
  }
});

test('an unknown scheme is never taken for the default', () => {
  assert.equal(schemeName(SignatureScheme.UNSPECIFIED), 'v1');
  assert.equal(schemeName(SignatureScheme.STANDARD_V1), 'v1');
  assert.equal(schemeName(SignatureScheme.STANDARD_V1A), 'v1a');
  assert.throws(() => schemeName(SignatureScheme.UNRECOGNIZED), { code: 'unsupported' });
});
