import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createDataKeys, dataKeyOf, localKeys, sealDataKey, sealSigningSecret } from '@postrider/config-view';
import { ConfigRecord, type EndpointConfig, type TenantConfig } from '@postrider/contract/postrider/v1/config';
import {
  PostriderError,
  Secret,
  generateSigningSecret,
  parseKek,
  parseVerifyingKey,
  sign,
  verify,
} from '@postrider/core';
import { systemClock } from '@postrider/runtime';
import { createEndpointCache } from './endpoint-cache.ts';
import type { ConfigSnapshot } from '@postrider/config-view';

const kek = parseKek(randomBytes(32).toString('hex'));
const material = new Secret(randomBytes(32));
const now = 1_767_225_600_000;

function tenantOf(): TenantConfig {
  const value = { tenant: { name: 'tenants/acme' }, dataKey: sealDataKey(material, kek, 'acme', randomBytes) };
  const { entity } = ConfigRecord.fromPartial({ entity: { $case: 'tenant', value } });
  return entity?.value as TenantConfig;
}

function endpointOf(secrets: readonly { id: string; secret: Secret; expireTime?: Date }[]): EndpointConfig {
  const value = {
    endpoint: { name: 'tenants/acme/endpoints/shop', uid: 'ep_shop', url: 'https://example.com/hook' },
    secrets: secrets.map(({ id, secret, expireTime }) => ({
      id,
      scheme: 'SIGNATURE_SCHEME_STANDARD_V1' as const,
      sealed: sealSigningSecret(secret, dataKeyOf(material), 'acme', id, randomBytes),
      expireTime,
    })),
  };
  const { entity } = ConfigRecord.fromPartial({ entity: { $case: 'endpoint', value } });
  return entity?.value as EndpointConfig;
}

function cacheOf(state: { endpoint: EndpointConfig | undefined; tenant?: TenantConfig }, withKek = kek) {
  const tenant = tenantOf();
  return createEndpointCache({
    snapshot: () =>
      ({
        endpoint: () => state.endpoint,
        tenant: (id: string) => (id === 'acme' ? (state.tenant ?? tenant) : undefined),
      }) as never as ConfigSnapshot,
    dataKeys: createDataKeys({ keyring: localKeys(withKek), clock: systemClock }),
    judgeUrl: () => ({ kind: 'allow', origin: 'https://example.com', host: 'example.com', path: '/hook' }),
  });
}

test('while a secret is rotated both sign, the newest first, and the old one stops when it expires', () => {
  const [old, next] = [generateSigningSecret('v1', randomBytes), generateSigningSecret('v1', randomBytes)];
  const expireTime = new Date(now + 60_000);
  const endpoint = endpointOf([
    { id: 'sec_1', secret: old, expireTime },
    { id: 'sec_2', secret: next },
  ]);
  const prepared = cacheOf({ endpoint }).get('ep_shop');
  const both = prepared?.activeKeys(now);
  assert.equal(both?.firstKeyId, 'sec_2');
  const signature = sign(both?.keys ?? [], 'msg_1', 1, Buffer.from('x'));
  for (const secret of [old, next])
    assert.ok(verify([parseVerifyingKey(secret)], 'msg_1', 1, Buffer.from('x'), signature));
  assert.equal(prepared?.activeKeys(now + 60_000).keys.length, 1);
});

test('an endpoint is prepared once per revision, and not known any more once it or its tenant is gone', () => {
  const state: { endpoint: EndpointConfig | undefined } = {
    endpoint: endpointOf([{ id: 'sec_1', secret: generateSigningSecret('v1', randomBytes) }]),
  };
  const cache = cacheOf(state);
  const first = cache.get('ep_shop');
  assert.equal(cache.get('ep_shop'), first);
  state.endpoint = endpointOf([]);
  assert.notEqual(cache.get('ep_shop'), first);
  state.endpoint = undefined;
  assert.equal(cache.get('ep_shop'), undefined);
});

test('what is deleted is forgotten though nobody asks for it any more', () => {
  const endpoint = endpointOf([]);
  const state: { endpoint: EndpointConfig | undefined } = { endpoint };
  const cache = cacheOf(state);
  const before = cache.get('ep_shop');
  state.endpoint = undefined;
  for (let i = 0; i < 3; i += 1) assert.equal(cache.get('ep_other'), undefined);
  state.endpoint = endpoint;
  assert.notEqual(cache.get('ep_shop'), before);
});

test('a tenant’s data key is opened once for all of its secrets, and again when it has been rotated', () => {
  const endpoint = endpointOf([{ id: 'sec_1', secret: generateSigningSecret('v1', randomBytes) }]);
  const opened: TenantConfig[] = [];
  const watched = (): TenantConfig => {
    const tenant = tenantOf();
    const { dataKey } = tenant;
    return Object.defineProperty(tenant, 'dataKey', { get: () => (opened.push(tenant), dataKey) });
  };
  const state = { endpoint, tenant: watched() };
  const cache = cacheOf(state);
  for (const uid of ['ep_1', 'ep_2']) cache.get(uid)?.activeKeys(now);
  const reads = opened.length;
  assert.ok(reads > 0);
  cache.get('ep_3')?.activeKeys(now);
  assert.equal(opened.length, reads);
  state.tenant = watched();
  cache.get('ep_1')?.activeKeys(now);
  assert.equal(opened.at(-1), state.tenant);
});

test('an endpoint that was forgotten is prepared anew, though it is the same revision', () => {
  const cache = cacheOf({ endpoint: endpointOf([]) });
  const before = cache.get('ep_shop');
  assert.equal(cache.get('ep_shop'), before);
  cache.forget();
  assert.notEqual(cache.get('ep_shop'), before);
});

test('a reserved header that stands on config all the same makes the endpoint unusable', () => {
  const endpoint = endpointOf([]);
  for (const name of ['Host', 'webhook_signature', 'Metadata-Flavor']) {
    const stored = { ...endpoint, endpoint: { ...endpoint.endpoint!, headers: { [name]: 'x' } } };
    assert.throws(
      () => cacheOf({ endpoint: stored }).get('ep_shop'),
      (error) =>
        error instanceof PostriderError && error.message === `endpoint ep_shop has the reserved header "${name}"`,
    );
  }
});

test('a secret that does not open, or none at all, is an error that says so and shows nothing', () => {
  const secret = generateSigningSecret('v1', randomBytes);
  const stranger = parseKek(randomBytes(32).toString('hex'));
  const sealed = cacheOf({ endpoint: endpointOf([{ id: 'sec_1', secret }]) }, stranger).get('ep_shop');
  const none = cacheOf({ endpoint: endpointOf([]) }).get('ep_shop');
  for (const [prepared, code] of [
    [sealed, 'key_unavailable'],
    [none, 'secret_unreadable'],
  ] as const) {
    assert.throws(
      () => prepared?.activeKeys(now),
      (error: unknown) =>
        error instanceof PostriderError && error.code === code && !error.message.includes(secret.reveal()),
    );
  }
});
