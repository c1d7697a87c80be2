/**
 * The key management service is away for ten minutes. Doubles: Kafka, the clock, endpoints and the KMS. Observed: what arrives
 * and how it is signed, attempts, dead letters.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyring, type Kms } from '@postrider/config-view';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { limits, parseKek, parseSigningSecret, Secret, verify } from '@postrider/core';
import { randomBytes } from 'node:crypto';
import { createHarness, signingSecret } from '../testing/harness.ts';

const MINUTE_MS = 60_000;

async function open() {
  const run = createHarness();
  let down = false;
  let material: Buffer = Buffer.alloc(0);
  const kms: Kms = {
    label: 'a key',
    encrypt: () => assert.fail('a dispatcher seals nothing'),
    decrypt: () => (down ? Promise.reject(new Error('nobody answers')) : Promise.resolve(material)),
  };
  const keys = keyring([{ kind: 'kms', id: 'kek_kms', kms }], parseKek(randomBytes(32).toString('hex')));
  run.config.tenant('acme', (dataKey) => {
    material = dataKey;
    const empty = Buffer.alloc(0);
    return { algorithm: 'KMS', keyId: 'kek_kms', nonce: empty, ciphertext: Buffer.from('sealed'), version: 1 };
  });
  run.config.endpoint('shop');
  const dispatcher = await run.start('dispatcher', { keys });
  return { run, dispatcher, fail: () => void (down = true), heal: () => void (down = false) };
}

const isSigned = ({ headers, body }: { headers: Record<string, string>; body: string }): boolean =>
  verify(
    [parseSigningSecret(new Secret(signingSecret))],
    headers['webhook-id'] ?? '',
    Number(headers['webhook-timestamp']),
    Buffer.from(body),
    headers['webhook-signature'] ?? '',
  );

test('known keys are used for five minutes, then deliveries wait, and when it is back they go on by themselves', async () => {
  const { run, dispatcher, fail, heal } = await open();
  run.deliver('before', 'shop');
  await run.until(() => run.receipts.length === 1, 'the first delivery');
  fail();
  for (let minute = 1; minute <= 2; minute += 1) {
    await run.clock.advance(MINUTE_MS);
    run.deliver(`during-${minute}`, 'shop');
  }
  await run.until(() => run.receipts.length === 3, 'what arrives while the key is known');
  await run.clock.advance(limits.dataKeyKeptMs);
  for (let number = 0; number < 40; number += 1) run.deliver(`waits-${number}`, 'shop');
  await run.clock.advance(10 * MINUTE_MS);
  assert.equal(run.receipts.length, 3);
  const failed = run.attempts().filter(({ outcome }) => outcome !== Outcome.DELIVERED);
  assert.ok(failed.length <= limits.laneConcurrencyDefault, `${failed.length}`);
  for (const { code, outcome, number } of failed) {
    assert.deepEqual([code, outcome, number], ['key_unavailable', Outcome.INTERNAL_ERROR, 0]);
  }
  heal();
  const healed = run.clock.monotonic();
  await run.until(() => run.receipts.length === 43, 'what has waited');
  assert.ok(run.clock.monotonic() - healed <= 5_000, `${run.clock.monotonic() - healed} ms`);
  assert.ok(run.receipts.every((receipt) => isSigned(receipt)));
  assert.deepEqual(run.deadLetters(), []);
  assert.equal(new Set(run.receipts.map(({ webhookId }) => webhookId)).size, 43);
  await run.stop(dispatcher);
});

test('away from the start: nothing is sent, nothing fails, and all of it is when it is there', async () => {
  const { run, dispatcher, fail, heal } = await open();
  fail();
  for (let number = 0; number < 5; number += 1) run.deliver(`waits-${number}`, 'shop');
  await run.clock.advance(10 * MINUTE_MS);
  assert.deepEqual([run.receipts.length, run.attempts().length], [0, 0]);
  heal();
  await run.until(() => run.receipts.length === 5, 'what has waited', 5_000);
  assert.ok(run.receipts.every((receipt) => isSigned(receipt)));
  await run.stop(dispatcher);
});

test('a tenant whose key is sealed under a key that is not known here keeps the process from starting, and says which', async () => {
  const run = createHarness();
  const keys = keyring([{ kind: 'local', id: 'kek_x', sealing: parseKek(randomBytes(32).toString('hex')) }]);
  await assert.rejects(
    run.start('dispatcher', { keys }),
    /POSTRIDER_KEK lacks keys that are in use: kek_[0-9a-f]{16} \(1 tenant\)/,
  );
});
