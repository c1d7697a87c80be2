/** Data keys from a KMS that fails. Doubles: the KMS and the clock. Observed: what can be had, when, and what was asked. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { TenantConfig } from '@postrider/contract/postrider/v1/config';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { generateDataKey, isPostriderError, limits, parseKek, Secret } from '@postrider/core';
import { createFakeClock } from '@postrider/kafka/testing';
import { dataKeyOf, sealDataKey } from '../sealed-config.ts';
import { createDataKeys } from './data-keys.ts';
import { localKeys, parseKeyring, readKeyring, wrapDataKey, type Kms } from './keyring.ts';
import { assertKeysKnown, sealedUnder } from './sealed-under.ts';
import type { SealingKey } from '@postrider/core';

const local = parseKek(randomBytes(32).toString('hex'));
const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/1';

type Fault = 'down' | 'refused' | null;

function setup() {
  const clock = createFakeClock();
  const sealed = new Map<string, { plaintext: Buffer; context: string }>();
  let fault: Fault = null;
  let asked = 0;
  const check = (): void => {
    if (fault === 'down') throw new Error('nobody answers');
    if (fault === 'refused') throw Object.assign(new Error('not allowed'), { refused: true });
  };
  const kms: Kms = {
    label: ARN,
    async encrypt(plaintext, context) {
      check();
      const id = `sealed ${sealed.size}`;
      sealed.set(id, { plaintext, context: JSON.stringify(context) });
      return Buffer.from(id);
    },
    async decrypt(ciphertext, context) {
      asked += 1;
      check();
      const found = sealed.get(ciphertext.toString());
      if (found?.context !== JSON.stringify(context))
        throw Object.assign(new Error('another context'), { refused: true });
      return found.plaintext;
    },
  };
  const keyring = parseKeyring(new Secret(`aws-kms:${ARN} ${local.key.export().toString('hex')}`), { kms: () => kms });
  const dataKeys = createDataKeys({ keyring, clock });
  let changes = 0;
  dataKeys.onChange(() => void (changes += 1));
  return {
    ...{ clock, keyring, dataKeys },
    fail: (next: Fault) => void (fault = next),
    asked: () => asked,
    changes: () => changes,
  };
}

async function tenantOf(
  { keyring }: ReturnType<typeof setup>,
  id: string,
  key = dataKeyOf(generateDataKey(randomBytes)),
) {
  const dataKey = await wrapDataKey(key, keyring.primary, id, randomBytes);
  const partial = TenantConfig.fromPartial({ tenant: { name: `tenants/${id}` }, dataKeyId: key.id });
  return { config: { ...partial, dataKey }, key };
}

const tenantNamed = (id: string): Tenant => Tenant.fromPartial({ name: `tenants/${id}` });
const unavailable = (error: unknown): boolean => isPostriderError(error, 'key_unavailable');
const material = ({ key }: SealingKey): string => key.export().toString('hex');

test('a key is asked for once, and then given until it must be asked for again', async () => {
  const run = setup();
  const { config, key } = await tenantOf(run, 'acme');
  assert.throws(() => run.dataKeys.of(config), unavailable);
  await run.dataKeys.prepare(config);
  assert.equal(material(run.dataKeys.of(config)), material(key));
  await run.clock.advance(limits.dataKeyKeptMs - limits.dataKeyRenewedBeforeMs - 1_000);
  run.dataKeys.of(config);
  assert.equal(run.asked(), 1);
  await run.clock.advance(2_000);
  const before = run.dataKeys.of(config);
  await run.clock.advance(1);
  assert.equal(run.asked(), 2);
  assert.equal(run.dataKeys.of(config), before, 'the same object: nothing is opened anew');
});

test('a KMS may be away for as long as a key is kept; then it cannot be had, and can as soon as the KMS is back', async () => {
  const run = setup();
  const { config } = await tenantOf(run, 'acme');
  await run.dataKeys.prepare(config);
  run.fail('down');
  const keep = async (ms: number): Promise<boolean> => {
    for (let left = ms; left > 0; left -= 1_000) {
      await run.clock.advance(1_000);
      run.dataKeys.has(config);
    }
    return run.dataKeys.has(config);
  };
  assert.equal(await keep(limits.dataKeyKeptMs - 2_000), true);
  assert.equal(await keep(3_000), false);
  assert.deepEqual([...run.dataKeys.missing()], [['acme', run.keyring.primary.id]]);
  assert.equal(await keep(2 * limits.dataKeyKeptMs), false);
  const asked = run.asked();
  assert.ok(asked <= (3 * limits.dataKeyKeptMs) / limits.kmsAgainMs, `${asked}`);
  const changes = run.changes();
  run.fail(null);
  await run.clock.advance(limits.kmsAgainMs + 1);
  assert.equal(run.changes(), changes + 1);
  assert.equal(run.dataKeys.has(config), true);
  assert.equal(run.dataKeys.missing().size, 0);
});

test('while it is away one key at a time asks, however many are wanted; afterwards all are had', async () => {
  const run = setup();
  const tenants = await Promise.all(Array.from({ length: 50 }, (_, i) => tenantOf(run, `t${i}`)));
  run.fail('down');
  for (const { config } of tenants) run.dataKeys.has(config);
  const atFirst = run.asked();
  assert.ok(atFirst <= limits.kmsAsksAtOnceMax);
  await run.clock.advance(10_000);
  assert.ok(run.asked() - atFirst <= 11, `${run.asked()}`);
  run.fail(null);
  await run.clock.advance(limits.kmsAgainMs);
  assert.ok(tenants.every(({ config }) => run.dataKeys.has(config)));
});

test('a refusal of one is asked again after a while, and keeps no other waiting', async () => {
  const run = setup();
  const { config } = await tenantOf(run, 'acme');
  const moved = { ...config, tenant: { ...(config.tenant ?? assert.fail()), name: 'tenants/other' } };
  await assert.rejects(run.dataKeys.prepare(moved), unavailable);
  const asked = run.asked();
  await run.dataKeys.prepare(config);
  await run.clock.advance(limits.kmsRefusedAgainMs - 1_000);
  assert.equal(run.asked(), asked + 1);
  await run.clock.advance(2_000);
  assert.equal(run.asked(), asked + 2);
});

test('sealed anew, the key that is known goes on: nobody waits for a rotation', async () => {
  const run = setup();
  const { config, key } = await tenantOf(run, 'acme');
  await run.dataKeys.prepare(config);
  const dataKey = await wrapDataKey(key, run.keyring.primary, 'acme', randomBytes);
  assert.equal(material(run.dataKeys.of({ ...config, dataKey })), material(key));
  assert.equal(run.asked(), 1);
});

test('the first look at a tenant costs the same, however many there are', async () => {
  const run = setup();
  const { config } = await tenantOf(run, 'acme');
  const tenants = Array.from({ length: 60_000 }, (_, index) => ({ ...config, tenant: tenantNamed(`t${index}`) }));
  const look = (from: number, to: number): number => {
    const started = performance.now();
    for (const one of tenants.slice(from, to)) run.dataKeys.has(one);
    return performance.now() - started;
  };
  look(0, 2_000);
  const [few, many] = [look(2_000, 7_000), look(7_000, 60_000)];
  assert.ok(many < 60 * Math.max(few, 20), `${few} ms, then ${many} ms`);
  assert.equal(run.dataKeys.missing().size, 60_000);
});

test('what nobody has asked for while it held is forgotten as others come, and had again by asking', async () => {
  const run = setup();
  const [old, kept] = [await tenantOf(run, 'old'), await tenantOf(run, 'kept')];
  await run.dataKeys.prepare(old.config);
  const first = run.dataKeys.of(old.config);
  for (let passed = 0; passed < 3; passed += 1) {
    await run.dataKeys.prepare(kept.config);
    await run.clock.advance(limits.dataKeyKeptMs / 2);
  }
  for (let other = 0; other < 4; other += 1) run.dataKeys.has((await tenantOf(run, `other-${other}`)).config);
  assert.throws(() => run.dataKeys.of(old.config), unavailable);
  await run.dataKeys.prepare(old.config);
  assert.notEqual(run.dataKeys.of(old.config), first, 'it was asked for anew');
  assert.equal(material(run.dataKeys.of(old.config)), material(first));
  assert.ok(run.dataKeys.has(kept.config));
});

test('what opens as another key than the record says is not used', async () => {
  const run = setup();
  const { config } = await tenantOf(run, 'acme');
  const other = { ...config, dataKeyId: 'dek_0000000000000000' };
  await run.dataKeys.prepare(other).catch(() => undefined);
  assert.throws(() => run.dataKeys.of(other), { code: 'secret_unreadable' });
  assert.equal(run.dataKeys.has(other), true, 'waiting would not mend it');
});

test('local keys open at once, and one that is not known is waited for', () => {
  const stranger = parseKek(randomBytes(32).toString('hex'));
  const dataKeys = createDataKeys({ keyring: localKeys(local), clock: createFakeClock() });
  const of = (kek: SealingKey): TenantConfig => {
    const dataKey = sealDataKey(generateDataKey(randomBytes), kek, 'acme', randomBytes);
    return { ...TenantConfig.fromPartial({ tenant: { name: 'tenants/acme' } }), dataKey };
  };
  assert.equal(dataKeys.has(of(local)), true);
  assert.equal(dataKeys.has(of(stranger)), false);
  assert.throws(() => dataKeys.of(of(stranger)), new RegExp(`${stranger.id} is not known`));
});

test('a process that lacks a key in use is told which, and how many need it', () => {
  const stranger = parseKek(randomBytes(32).toString('hex'));
  const tenants = [local, stranger, stranger].map((kek, i) => ({
    ...TenantConfig.fromPartial({ tenant: { name: `tenants/t${i}`, createTime: new Date(1_000 * i) } }),
    dataKey: sealDataKey(generateDataKey(randomBytes), kek, `t${i}`, randomBytes),
  }));
  const snapshot = { tenants: () => tenants };
  assert.throws(
    () => assertKeysKnown(localKeys(local), snapshot),
    (error) => isPostriderError(error, 'config_invalid') && error.message.includes(`${stranger.id} (2 tenants)`),
  );
  assert.doesNotThrow(() => assertKeysKnown(localKeys(local, stranger), snapshot));
  assert.deepEqual(sealedUnder(snapshot).get(stranger.id), { tenants: 2, since: 1_000 });
});

const hex = (): string => randomBytes(32).toString('hex');
const given = (text: string) => ({ reveal: () => text });
const bad: Readonly<Record<string, string>> = {
  nothing: ' ',
  '31 bytes': randomBytes(31).toString('hex'),
  'one byte repeated': 'ab'.repeat(32),
  'the same twice': `${local.key.export().toString('hex')},${local.key.export().toString('base64')}`,
  'nine keys': Array.from({ length: 9 }, hex).join(','),
  'a bad one behind a good one': `${hex()}\nnot a key`,
  'another service': `vault:transit/postrider,${hex()}`,
};
for (const [what, text] of Object.entries(bad)) {
  test(`${what} is no keyring, and is not shown`, () => {
    const read = () => readKeyring({ kek: given(text), callKey: undefined }, () => assert.fail());
    assert.throws(read, (error) => isPostriderError(error, 'key_invalid') && !/[0-9a-f]{32}/.test(error.message));
  });
}

test('the first key seals, all open; a keyring in a KMS alone needs a key for calls', () => {
  const [first, second] = [hex(), hex()];
  const ring = readKeyring({ kek: given(`${first}, \n${second}\n`), callKey: undefined }, () => assert.fail());
  assert.deepEqual(
    ring.all.map(({ id }) => id),
    [parseKek(first).id, parseKek(second).id],
  );
  assert.equal(ring.primary.id, parseKek(first).id);
  const kms = (label: string): Kms => ({ label, encrypt: () => assert.fail(), decrypt: () => assert.fail() });
  const alone = { kek: given(`aws-kms:${ARN}`) };
  assert.throws(() => readKeyring({ ...alone, callKey: undefined }, kms), /POSTRIDER_CALL_KEY/);
  const called = readKeyring({ ...alone, callKey: given(first) }, kms);
  assert.deepEqual([called.primary.kind, called.shared.length], ['kms', 1]);
});
