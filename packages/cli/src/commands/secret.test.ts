import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '@postrider/contract/postrider/v1/secret_service';
import { secretText } from './secret.ts';

const name = 'tenants/acme/endpoints/orders/secrets/sec_1';

test('of a key pair the public half comes first, and the private one is called so', () => {
  const text = secretText(Secret.fromPartial({ name, value: 'whsk_a', publicKey: 'whpk_b' }));
  assert.match(text, /^Public key: whpk_b\nPrivate key \(do not hand out\): whsk_a\n/);
});

test('a shared secret stands alone in the first line, for scripts', () => {
  assert.match(secretText(Secret.fromPartial({ name, value: 'whsec_a' })), /^whsec_a\nacme\/orders\/sec_1: /);
  assert.match(secretText(Secret.fromPartial({ name, publicKey: 'whpk_b' })), /^acme\/orders.*\nPublic key: whpk_b\n$/);
});
