import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  DisableReason,
  Endpoint,
  EndpointState,
  PendingPolicy,
  SignatureScheme,
} from '@postrider/contract/postrider/v1/endpoint';
import { Subscription, SubscriptionState } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { failure, startTestPlane } from '../testing/harness.ts';
import type { Running } from '../testing/harness.ts';

let run: Running;
before(async () => {
  run = await startTestPlane();
});
after(() => run.stop());

let names = 0;
async function newTenant(): Promise<string> {
  names += 1;
  const tenant = await run.tenants.createTenant({ tenantId: `t${names}`, tenant: undefined, requestId: '' });
  return tenant.name;
}

const url = 'https://hooks.acme.dev/in';
function newEndpoint(
  parent: string,
  fields: Partial<Endpoint> = {},
  more: { endpointId?: string; requestId?: string } = {},
) {
  const endpoint = Endpoint.fromPartial({ url, ...fields } as Endpoint);
  return run.endpoints.createEndpoint({ parent, endpointId: '', requestId: '', ...more, endpoint });
}

function newSubscription(
  parent: string,
  eventTypes: string[],
  more: { subscriptionId?: string; requestId?: string } = {},
) {
  const subscription = Subscription.fromPartial({ eventTypes });
  return run.subscriptions.createSubscription({ parent, subscriptionId: '', requestId: '', ...more, subscription });
}

test('a tenant is created, read, listed, changed and deleted', async () => {
  const created = await run.tenants.createTenant({
    tenantId: 'acme',
    tenant: Tenant.fromPartial({ name: 'ignored', displayName: 'Acme', labels: { plan: 'gold' } }),
    requestId: '',
  });
  assert.equal(created.name, 'tenants/acme');
  assert.equal(created.displayName, 'Acme');
  assert.ok(created.createTime !== undefined && created.etag !== '' && created.revision !== '');
  assert.deepEqual(await run.tenants.getTenant({ name: 'tenants/acme' }), created);
  const listed = await run.tenants.listTenants({ pageSize: 0, pageToken: '', filter: '', orderBy: '' });
  assert.ok(listed.tenants.some(({ name }) => name === 'tenants/acme'));
  const changed = await run.tenants.updateTenant({
    tenant: Tenant.fromPartial({ name: 'tenants/acme', displayName: 'Acme Ltd', etag: created.etag }),
    updateMask: ['display_name'],
  });
  assert.equal(changed.displayName, 'Acme Ltd');
  assert.deepEqual(changed.labels, { plan: 'gold' });
  assert.notEqual(changed.etag, created.etag);
  assert.ok(BigInt(changed.revision) > BigInt(created.revision));
  await run.tenants.deleteTenant({ name: 'tenants/acme', force: false, etag: changed.etag });
  assert.equal((await failure(run.tenants.getTenant({ name: 'tenants/acme' }))).code, 'NOT_FOUND');
});

test('an endpoint gets a uid, a signing secret that is shown once, and all defaults', async () => {
  const parent = await newTenant();
  const created = await newEndpoint(parent);
  assert.match(created.uid, /^ep_[0-9a-f]{32}$/);
  assert.equal(created.name, `${parent}/endpoints/${created.uid}`);
  assert.match(created.signingSecret, /^whsec_/);
  assert.equal(created.state, EndpointState.ENABLED);
  assert.equal(created.signing?.scheme, SignatureScheme.STANDARD_V1);
  assert.equal(created.secrets.length, 1);
  const read = await run.endpoints.getEndpoint({ name: created.name });
  assert.equal(read.signingSecret, '');
  assert.deepEqual({ ...created, signingSecret: '' }, read);
});

test('an ed25519 endpoint shows its public key, and a secret can be imported', async () => {
  const parent = await newTenant();
  const asymmetric = await newEndpoint(parent, { signing: { scheme: SignatureScheme.STANDARD_V1A } });
  assert.match(asymmetric.signingSecret, /^whsk_/);
  assert.match(asymmetric.publicKey, /^whpk_/);
  const secret = `whsec_${Buffer.from('an imported secret of 32 bytes..').toString('base64')}`;
  assert.equal((await newEndpoint(parent, { signingSecret: secret })).signingSecret, secret);
  const bad = await failure(newEndpoint(parent, { signingSecret: 'whsec_c2hvcnQ=' }));
  assert.deepEqual(bad.fields, ['endpoint.signing_secret']);
  assert.ok(!bad.message.includes('c2hvcnQ='));
  const other = await failure(
    newEndpoint(parent, { signingSecret: secret, signing: { scheme: SignatureScheme.STANDARD_V1A } }),
  );
  assert.match(other.violations[0] ?? '', /scheme v1, and endpoint.signing asks for v1a/);
});

test('an endpoint is changed field by field, disabled, enabled and deleted with its subscriptions', async () => {
  const parent = await newTenant();
  const { name, uid, etag } = await newEndpoint(parent, { labels: { a: '1' } }, { endpointId: 'main' });
  assert.equal(name, `${parent}/endpoints/main`);
  const changed = await run.endpoints.updateEndpoint({
    endpoint: Endpoint.fromPartial({ name, etag, limits: { concurrencyMax: 4 }, displayName: 'not named in the mask' }),
    updateMask: ['limits.concurrency_max'],
  });
  assert.equal(changed.limits?.concurrencyMax, 4);
  assert.equal(changed.displayName, '');
  assert.deepEqual(changed.labels, { a: '1' });
  const disabled = await run.endpoints.disableEndpoint({ name, pending: PendingPolicy.CANCEL, etag: changed.etag });
  assert.equal(disabled.state, EndpointState.DISABLED);
  assert.equal(disabled.disableReason, DisableReason.REQUESTED);
  assert.equal(disabled.pending, PendingPolicy.CANCEL);
  assert.ok(disabled.disableTime !== undefined);
  assert.deepEqual(await run.endpoints.disableEndpoint({ name, pending: PendingPolicy.CANCEL, etag: '' }), disabled);
  const enabled = await run.endpoints.enableEndpoint({ name, etag: '' });
  assert.equal(enabled.state, EndpointState.ENABLED);
  assert.equal(enabled.disableReason, DisableReason.UNSPECIFIED);
  assert.deepEqual(await run.endpoints.enableEndpoint({ name, etag: enabled.etag }), enabled);
  const cancelsBelow = () => run.plane.view.snapshot().endpoint(uid)?.cancelsBelow;
  assert.equal(cancelsBelow(), enabled.revision, 'what was pending stays cancelled');
  await run.endpoints.disableEndpoint({ name, pending: PendingPolicy.KEEP, etag: '' });
  const kept = await run.endpoints.enableEndpoint({ name, etag: '' });
  assert.equal(cancelsBelow(), enabled.revision, 'what is kept is not cancelled');
  await newSubscription(name, ['*']);
  await run.endpoints.deleteEndpoint({ name, etag: kept.etag });
  const snapshot = run.plane.view.snapshot();
  assert.equal(snapshot.endpoint(uid), undefined);
  assert.deepEqual(snapshot.subscriptionsOf(uid), []);
  assert.equal((await failure(run.endpoints.getEndpoint({ name }))).code, 'NOT_FOUND');
});

test('a subscription is created, read, listed, changed and deleted', async () => {
  const parent = (await newEndpoint(await newTenant())).name;
  const created = await newSubscription(parent, ['invoice.*', 'order.paid'], { subscriptionId: 'billing' });
  assert.equal(created.name, `${parent}/subscriptions/billing`);
  assert.equal(created.state, SubscriptionState.ACTIVE);
  assert.deepEqual(await run.subscriptions.getSubscription({ name: created.name }), created);
  const changed = await run.subscriptions.updateSubscription({
    subscription: Subscription.fromPartial({ name: created.name, state: SubscriptionState.PAUSED }),
    updateMask: undefined,
  });
  assert.equal(changed.state, SubscriptionState.PAUSED);
  assert.deepEqual(changed.eventTypes, ['invoice.*', 'order.paid']);
  const second = await newSubscription(parent, ['*']);
  assert.match(second.uid, /^sub_/);
  const listed = await run.subscriptions.listSubscriptions({
    parent,
    pageSize: 0,
    pageToken: '',
    filter: '',
    orderBy: '',
  });
  assert.deepEqual(
    listed.subscriptions.map(({ name }) => name),
    [created.name, second.name].toSorted((a, b) => (a < b ? -1 : 1)),
  );
  const ofTenant = `${parent.split('/').slice(0, 3).join('/')}/-`;
  const all = await run.subscriptions.listSubscriptions({
    parent: ofTenant,
    pageSize: 0,
    pageToken: '',
    filter: '',
    orderBy: '',
  });
  assert.equal(all.subscriptions.length, 2);
  await run.subscriptions.deleteSubscription({ name: created.name, etag: changed.etag });
  assert.equal((await failure(run.subscriptions.getSubscription({ name: created.name }))).code, 'NOT_FOUND');
});

test('an answer is given only when this process has read its own write', async () => {
  const parent = await newTenant();
  const created = await newEndpoint(parent);
  assert.ok(run.plane.view.reached(created.revision));
  assert.equal(run.plane.view.snapshot().endpoint(created.uid)?.endpoint?.revision, created.revision);
});

test('an etag that is not the current one is ABORTED and changes nothing', async () => {
  const parent = await newTenant();
  const { name, etag } = await newEndpoint(parent);
  await run.endpoints.updateEndpoint({
    endpoint: Endpoint.fromPartial({ name, displayName: 'b', etag }),
    updateMask: undefined,
  });
  const late = [
    run.endpoints.updateEndpoint({
      endpoint: Endpoint.fromPartial({ name, displayName: 'c', etag }),
      updateMask: undefined,
    }),
    run.endpoints.deleteEndpoint({ name, etag }),
    run.endpoints.disableEndpoint({ name, etag, pending: PendingPolicy.KEEP }),
    run.tenants.deleteTenant({ name: parent, etag: 'other', force: true }),
  ];
  for (const call of late) assert.equal((await failure(call)).code, 'ABORTED');
  assert.equal((await run.endpoints.getEndpoint({ name })).displayName, 'b');
});

test('concurrent changes with one etag: exactly one wins', async () => {
  const { name, etag } = await newEndpoint(await newTenant());
  const tries = Array.from({ length: 8 }, (_, n) =>
    run.endpoints.updateEndpoint({
      endpoint: Endpoint.fromPartial({ name, displayName: `n${n}`, etag }),
      updateMask: undefined,
    }),
  );
  const results = await Promise.allSettled(tries);
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('masks: unknown, output-only and immutable paths are refused, all of them at once', async () => {
  const { name } = await newEndpoint(await newTenant());
  const updateMask = ['nonsense', 'uid', 'state', 'signing', 'labels.a', 'limits.nonsense', 'url'];
  const refused = await failure(
    run.endpoints.updateEndpoint({ endpoint: Endpoint.fromPartial({ name, url }), updateMask }),
  );
  assert.equal(refused.code, 'INVALID_ARGUMENT');
  assert.equal(refused.violations.length, 6);
  assert.match(refused.violations.join('\n'), /nonsense is not a field\n.*uid is set by the server/);
});

test('mask *: every changeable field takes the given value, and what was read may be sent back', async () => {
  const { name } = await newEndpoint(await newTenant(), { displayName: 'x', labels: { a: '1' } });
  const read = await run.endpoints.getEndpoint({ name });
  assert.deepEqual(await run.endpoints.updateEndpoint({ endpoint: read, updateMask: ['*'] }), read);
  const bare = await run.endpoints.updateEndpoint({ endpoint: Endpoint.fromPartial({ name, url }), updateMask: ['*'] });
  assert.equal(bare.displayName, '');
  assert.deepEqual(bare.labels, {});
  assert.equal(bare.uid, read.uid);
  assert.deepEqual(bare.secrets, read.secrets);
});

test('a repeated request_id is answered with the first result, without the secret', async () => {
  const parent = await newTenant();
  const first = await newEndpoint(parent, {}, { requestId: 'r1', endpointId: 'one' });
  const again = await newEndpoint(parent, { displayName: 'other' }, { requestId: 'r1', endpointId: 'one' });
  assert.deepEqual(again, { ...first, signingSecret: '' });
  const sub = await newSubscription(first.name, ['a'], { requestId: 'r1' });
  assert.deepEqual(await newSubscription(first.name, ['b'], { requestId: 'r1' }), sub);
  const tenant = { tenantId: 'repeated', tenant: undefined, requestId: 'r1' };
  assert.deepEqual(await run.tenants.createTenant(tenant), await run.tenants.createTenant(tenant));
  assert.equal((await failure(run.tenants.createTenant({ ...tenant, requestId: 'r2' }))).code, 'ALREADY_EXISTS');
  await run.endpoints.deleteEndpoint({ name: first.name, etag: '' });
  const after = await failure(newEndpoint(parent, {}, { requestId: 'r1' }));
  assert.equal(after.code, 'ALREADY_EXISTS', 'a uid is never used again');
});

test('names that are taken, absent or malformed have their own errors', async () => {
  const parent = await newTenant();
  const { name } = await newEndpoint(parent, {}, { endpointId: 'one' });
  assert.equal((await failure(newEndpoint(parent, {}, { endpointId: 'one' }))).code, 'ALREADY_EXISTS');
  assert.equal((await failure(newEndpoint('tenants/absent'))).code, 'NOT_FOUND');
  assert.equal((await failure(newSubscription(`${parent}/endpoints/absent`, ['*']))).code, 'NOT_FOUND');
  assert.deepEqual((await failure(run.endpoints.getEndpoint({ name: 'endpoints/x' }))).fields, ['name']);
  assert.deepEqual((await failure(run.tenants.getTenant({ name: 'tenants/' }))).fields, ['name']);
  const blank = { endpoint: undefined, updateMask: undefined };
  assert.deepEqual((await failure(run.endpoints.updateEndpoint(blank))).fields, ['endpoint']);
  assert.equal(
    (await failure(run.tenants.deleteTenant({ name: parent, force: false, etag: '' }))).code,
    'FAILED_PRECONDITION',
  );
  await newSubscription(name, ['*']);
  await run.tenants.deleteTenant({ name: parent, force: true, etag: '' });
  assert.equal((await failure(run.endpoints.getEndpoint({ name }))).code, 'NOT_FOUND');
  for (const tenantId of ['', 'Acme', '1a', 'a-', `a${'b'.repeat(63)}`, 'a_b', 'a/b', '-']) {
    const refused = await failure(run.tenants.createTenant({ tenantId, tenant: undefined, requestId: '' }));
    assert.deepEqual(refused.fields, ['tenant_id'], tenantId);
  }
});

test('a quota of endpoints is held', async () => {
  const parent = await newTenant();
  const quotas = { endpointsMax: 1, deliveriesPerSecond: 0, egressPools: [] };
  await run.tenants.updateTenant({
    tenant: Tenant.fromPartial({ name: parent, quotas }),
    updateMask: ['quotas.endpoints_max'],
  });
  await newEndpoint(parent);
  assert.equal((await failure(newEndpoint(parent))).code, 'RESOURCE_EXHAUSTED');
});
