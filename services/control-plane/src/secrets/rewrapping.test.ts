/**
 * Key-encryption keys are changed while everything goes on. Doubles: Kafka, and a KMS. Observed: what the records are sealed
 * under, what they open to, what the API tells of it, whether processes start.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { keyring, localKeys, openDataKey, type Kms } from '@postrider/config-view';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { KeyEncryptionKeyState } from '@postrider/contract/postrider/v1/secret_service';
import { parseKek, type SealingKey } from '@postrider/core';
import { createFakeKafka } from '@postrider/kafka/testing';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { failure, startTestPlane } from '../../testing/harness.ts';
import { serverLimits } from '../server-limits.ts';
import type { Running } from '../../testing/harness.ts';

const newKey = (): SealingKey => parseKek(randomBytes(32).toString('hex'));
const ids = Array.from({ length: serverLimits.rewrapsTogetherMax + 10 }, (_, i) => `t${i}`);

async function createTenants(run: Running): Promise<void> {
  await Promise.all(ids.map((tenantId) => run.tenants.createTenant({ tenantId, tenant: undefined, requestId: '' })));
}

const sealedBy = (run: Running): Set<string> =>
  new Set([...run.plane.view.snapshot().tenants()].map(({ dataKey }) => dataKey?.keyId ?? ''));

const resealed = (run: Running, id: string): Promise<unknown> =>
  waitFor(() => sealedBy(run).size === 1 && sealedBy(run).has(id), { what: `everything is sealed under ${id}` });

test('with a new key in front all data keys are sealed under it, and stay what they are; then the old one may go', async () => {
  const kafka = createFakeKafka();
  const [old, next] = [newKey(), newKey()];
  const first = await startTestPlane({ keys: localKeys(old) }, kafka);
  await createTenants(first);
  const before = first.plane.view.snapshot().tenant('t7') ?? assert.fail();
  await first.stop();
  await assert.rejects(
    startTestPlane({ keys: localKeys(next) }, kafka),
    new RegExp(`${old.id} \\(${ids.length} tenants\\)`),
  );

  await using run = await startTestPlane({ keys: localKeys(next, old) }, kafka);
  await resealed(run, next.id);
  const after = run.plane.view.snapshot().tenant('t7') ?? assert.fail();
  assert.deepEqual(openDataKey(after, next).key.export(), openDataKey(before, old).key.export());
  assert.equal(after.tenant?.revision, before.tenant?.revision, 'nobody sees that their tenant has changed');
  const told = await run.secrets.listKeyEncryptionKeys({});
  assert.deepEqual(
    told.keyEncryptionKeys.map(({ name, state, tenantCount }) => [name, state, Number(tenantCount)]),
    [
      [`keyEncryptionKeys/${next.id}`, KeyEncryptionKeyState.PRIMARY, ids.length],
      [`keyEncryptionKeys/${old.id}`, KeyEncryptionKeyState.KNOWN, 0],
    ],
  );
  assert.equal(told.toResealCount, 0n);
  assert.ok((told.secretsCountedTime?.getTime() ?? 0) > 0, 'it is said when secrets were counted');
  await run.stop();
  await using last = await startTestPlane({ keys: localKeys(next) }, kafka);
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/' });
  await last.endpoints.createEndpoint({ parent: 'tenants/t7', endpointId: '', endpoint, requestId: '' });
});

/** A KMS that seals so many, and then nothing until it is mended. */
function frailKms(label: string, most: number) {
  const sealed = new Map<string, Buffer>();
  const state = { left: most, seals: 0 };
  const kms: Kms = {
    label,
    encrypt(plaintext) {
      if (state.left <= 0) return Promise.reject(new Error('nobody answers'));
      state.left -= 1;
      state.seals += 1;
      const id = `${label} ${state.seals}`;
      sealed.set(id, plaintext);
      return Promise.resolve(Buffer.from(id));
    },
    decrypt: (ciphertext) => Promise.resolve(sealed.get(ciphertext.toString()) ?? assert.fail()),
  };
  return { kms, state };
}

test('a rotation that stops half-way is gone on with by the next leader, from what the records say', async () => {
  const kafka = createFakeKafka();
  const old = newKey();
  const first = await startTestPlane({ keys: localKeys(old) }, kafka);
  await createTenants(first);
  await first.stop();

  const { kms, state } = frailKms('new', serverLimits.rewrapsTogetherMax);
  const keys = keyring([
    { kind: 'kms', id: 'kek_kms', kms },
    { kind: 'local', id: old.id, sealing: old },
  ]);
  const second = await startTestPlane({ keys }, kafka);
  const left = async (run: Running): Promise<bigint> => (await run.secrets.listKeyEncryptionKeys({})).toResealCount;
  await waitFor(async () => (await left(second)) === 10n, { what: 'half of it is done' });
  const refused = await failure(second.tenants.createTenant({ tenantId: 'late', tenant: undefined, requestId: '' }));
  assert.equal(refused.code, 'UNAVAILABLE');
  await second.stop();

  state.left = 1_000;
  await using third = await startTestPlane({ keys }, kafka);
  await resealed(third, 'kek_kms');
  assert.equal(state.seals, ids.length, 'nothing is sealed twice');
  assert.equal(await left(third), 0n);
  // And what is sealed there is opened there.
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/' });
  await third.endpoints.createEndpoint({ parent: 'tenants/t3', endpointId: '', endpoint, requestId: '' });
});

test('a tenant whose data key cannot be opened keeps the others from nothing, and is sealed anew when it can be', async () => {
  const kafka = createFakeKafka();
  const { kms } = frailKms('old', ids.length);
  const old = { kind: 'kms', id: 'kek_kms', kms } as const;
  const first = await startTestPlane({ keys: keyring([old], newKey()) }, kafka);
  await createTenants(first);
  await first.stop();

  let refuses = true;
  const refusal = Object.assign(new Error('not allowed'), { refused: true });
  const decrypt: Kms['decrypt'] = (sealed, context) =>
    refuses && context['postrider:tenant'] === 't0' ? Promise.reject(refusal) : kms.decrypt(sealed, context);
  const next = newKey();
  const keys = keyring([
    { kind: 'local', id: next.id, sealing: next },
    { ...old, kms: { ...kms, decrypt } },
  ]);
  const second = await startTestPlane({ keys }, kafka);
  const { secrets, plane } = second;
  const left = async (): Promise<bigint> => (await secrets.listKeyEncryptionKeys({})).toResealCount;
  await waitFor(async () => (await left()) === 1n, { what: 'all others are sealed under the new key' });
  assert.equal(plane.view.snapshot().tenant('t0')?.dataKey?.keyId, old.id);
  await second.stop();

  refuses = false;
  await using third = await startTestPlane({ keys }, kafka);
  await resealed(third, next.id);
});
