import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Role } from '@postrider/contract/postrider/v1/access';
import { ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { Tenant, TenantQuotas } from '@postrider/contract/postrider/v1/tenant';
import { failure, startTestPlane } from '../testing/harness.ts';

const quotas = TenantQuotas.fromPartial({ endpointsMax: 2, subscriptionsMax: 3, apiKeysMax: 1 });

test('what a tenant may have is bounded each by its own quota, which the error names, and other tenants are not touched', async () => {
  await using run = await startTestPlane();
  const tenant = { ...Tenant.fromPartial({}), quotas };
  await run.tenants.createTenant({ tenantId: 'small', tenant, requestId: '' });
  await run.tenants.createTenant({ tenantId: 'large', tenant: undefined, requestId: '' });
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/' });
  const addEndpoint = (id: string, endpointId = '') =>
    run.endpoints.createEndpoint({ parent: `tenants/${id}`, endpointId, endpoint, requestId: '' });
  const subscription = Subscription.fromPartial({ eventTypes: ['a'] });
  const subscribe = (parent: string, subscriptionId: string) =>
    run.subscriptions.createSubscription({ parent, subscriptionId, subscription, requestId: '' });
  const addKey = (id: string) => {
    const apiKey = ApiKey.fromPartial({ role: Role.PUBLISHER, tenant: `tenants/${id}` });
    return run.access.createApiKey({ apiKeyId: '', apiKey, requestId: '' });
  };
  const [one, two] = [await addEndpoint('small', 'one'), await addEndpoint('small', 'two')];
  await subscribe(one.name, 'a');
  await subscribe(one.name, 'b');
  await subscribe(two.name, 'c');
  await addKey('small');
  for (const [call, wanted] of [
    [addEndpoint('small'), 'tenants/small: 2 endpoints (endpoints_max)'],
    [subscribe(two.name, 'd'), 'tenants/small: 3 subscriptions of all endpoints together (subscriptions_max)'],
    [addKey('small'), 'tenants/small: 1 API keys (api_keys_max)'],
  ] as const) {
    const refused = await failure(call);
    assert.deepEqual([refused.code, refused.quota], ['RESOURCE_EXHAUSTED', wanted]);
  }
  const large = await addEndpoint('large');
  await subscribe(large.name, 'a');
  await addKey('large');
  // What is gone makes room, also where it went with its endpoint.
  await run.endpoints.deleteEndpoint({ name: one.name, etag: '' });
  await addEndpoint('small', 'three');
  await subscribe(two.name, 'd');
  await subscribe(two.name, 'e');
  assert.equal((await failure(subscribe(two.name, 'f'))).code, 'RESOURCE_EXHAUSTED');
  const raised = { ...Tenant.fromPartial({ name: 'tenants/small' }), quotas: { ...quotas, subscriptionsMax: 4 } };
  await run.tenants.updateTenant({ tenant: raised, updateMask: ['quotas.subscriptions_max'] });
  await subscribe(two.name, 'f');
});

test('changes that are written together are counted together', async () => {
  await using run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'small', tenant: { ...Tenant.fromPartial({}), quotas }, requestId: '' });
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/' });
  const calls = Array.from({ length: 10 }, () =>
    run.endpoints.createEndpoint({ parent: 'tenants/small', endpointId: '', endpoint, requestId: '' }),
  );
  const made = (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled');
  assert.equal(made.length, 2);
});

test('no quota is larger than may be', async () => {
  await using run = await startTestPlane();
  for (const [property, field] of [
    ['endpointsMax', 'endpoints_max'],
    ['subscriptionsMax', 'subscriptions_max'],
    ['apiKeysMax', 'api_keys_max'],
    ['publishedEventsPerSecond', 'published_events_per_second'],
  ] as const) {
    const tenant = { ...Tenant.fromPartial({}), quotas: { ...TenantQuotas.fromPartial({}), [property]: 1_000_001 } };
    const refused = await failure(run.tenants.createTenant({ tenantId: 'x', tenant, requestId: '' }));
    assert.deepEqual(refused.fields, [`tenant.quotas.${field}`]);
  }
});
