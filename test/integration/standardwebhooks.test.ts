import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { generateSigningSecret, parseSigningSecret, sign, webhookId } from '@postrider/core';
import { Webhook } from 'standardwebhooks';

/**
 * The official Standard Webhooks library for JavaScript as the judge of our signatures. It checks the time against the
 * real clock, so the real clock it is; no other double.
 */

const id = webhookId('acme', '/orders', 'order-1');
const bodies: Record<string, Buffer> = {
  'a JSON object': Buffer.from('{"order": 1, "total": 12345678901234567890, "note": "äöü €"}'),
  'an empty body': Buffer.alloc(0),
  'a kibibyte of text': Buffer.from('x'.repeat(1_024)),
};

function headers(signature: string, timestamp: number): Record<string, string> {
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature };
}

for (const [name, body] of Object.entries(bodies)) {
  test(`the official verifier accepts ${name}`, () => {
    const secret = generateSigningSecret('v1', randomBytes);
    const now = Math.floor(Date.now() / 1_000);
    const signature = sign([parseSigningSecret(secret)], id, now, body);
    new Webhook(secret.reveal()).verify(body, headers(signature, now), { jsonParse: false });
  });
}

test('the official verifier accepts either secret while they are rotated, beside a v1a signature', () => {
  const secrets = [generateSigningSecret('v1', randomBytes), generateSigningSecret('v1', randomBytes)];
  const keys = [...secrets, generateSigningSecret('v1a', randomBytes)].map(parseSigningSecret);
  const now = Math.floor(Date.now() / 1_000);
  const body = Buffer.from('{}');
  const signed = headers(sign(keys, id, now, body), now);
  for (const secret of secrets) new Webhook(secret.reveal()).verify(body, signed, { jsonParse: false });
});

test('the official verifier refuses a changed body, and another endpoint’s secret', () => {
  const secret = generateSigningSecret('v1', randomBytes);
  const now = Math.floor(Date.now() / 1_000);
  const signed = headers(sign([parseSigningSecret(secret)], id, now, Buffer.from('{}')), now);
  assert.throws(() => new Webhook(secret.reveal()).verify('{ }', signed), /No matching signature/);
  const other = generateSigningSecret('v1', randomBytes).reveal();
  assert.throws(() => new Webhook(other).verify('{}', signed), /No matching signature/);
});

test('we sign exactly what the official library signs', () => {
  const secret = generateSigningSecret('v1', randomBytes);
  const at = 1_614_265_330;
  for (const body of Object.values(bodies)) {
    const theirs = new Webhook(secret.reveal()).sign(id, new Date(at * 1_000), body.toString('utf8'));
    assert.equal(sign([parseSigningSecret(secret)], id, at, body), theirs);
  }
});
