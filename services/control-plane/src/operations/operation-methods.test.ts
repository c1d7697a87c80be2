/** Tenants that are being deleted, and the operations that do it, as callers see them. Double: Kafka. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { durationOf } from '@postrider/core';
import { Role } from '@postrider/contract/postrider/v1/access';
import { ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { OperationServiceClient } from '@postrider/contract/postrider/v1/operation_service';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { Tenant, TenantState } from '@postrider/contract/postrider/v1/tenant';
import { PublishEventsRequest } from '@postrider/contract/postrider/v1/event_service';
import { calls, CONFIG_TOPIC, failure, startTestPlane, type Running } from '../../testing/harness.ts';
import { serverLimits } from '../server-limits.ts';

const acme = 'tenants/acme';
const all = { pageSize: 0, pageToken: '' };
const deletion = { name: acme, force: true, etag: '' };
const noWait = durationOf(0);

async function create({ tenants, endpoints, subscriptions }: Running): Promise<void> {
  await tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  for (const endpointId of ['one', 'two']) {
    const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/in' });
    const { name: parent } = await endpoints.createEndpoint({ parent: acme, endpointId, endpoint, requestId: '' });
    const subscription = Subscription.fromPartial({ eventTypes: ['*'] });
    await subscriptions.createSubscription({ parent, subscriptionId: 'a', subscription, requestId: '' });
  }
}

interface Stopped {
  /** The tenant is marked, and deleting what it has has failed. */
  readonly marked: Promise<void>;
  goOn(): Promise<void>;
}

/** Refuses whatever a deletion writes behind its mark, until it is told to go on. */
function stopBehindMark({ kafka, tenants }: Running): Stopped {
  const marked = Promise.withResolvers<void>();
  const stop = kafka.onProduce(({ topic, records }) => {
    const isPart = records.some(({ key, value }) => value === null && key?.toString() === 'tenant/acme');
    if (topic !== CONFIG_TOPIC || !isPart) return undefined;
    marked.resolve();
    return { kind: 'refuse', errorCode: 87 };
  });
  return {
    marked: marked.promise,
    async goOn() {
      stop();
      // Another deletion wakes those that wait to be tried again.
      await tenants.createTenant({ tenantId: 'other', tenant: undefined, requestId: '' });
      await tenants.deleteTenant({ name: 'tenants/other', force: false, etag: '' });
    },
  };
}

/** Names of the operations on this tenant that a caller sees. */
async function seen(operations: Running['operations'], tenant = acme): Promise<readonly string[]> {
  const { operations: found } = await operations.listOperations(all);
  return found.filter((one) => one.tenant === tenant).map(({ name }) => name);
}

test('while a tenant is being deleted it says so, nothing can be put into it, and its operation tells how far it is', async () => {
  await using run = await startTestPlane();
  await create(run);
  const { tenants, endpoints, operations, access, pauses, events } = run;
  const stopped = stopBehindMark(run);
  const deleted = tenants.deleteTenant(deletion);
  await stopped.marked;
  const { state, deleteTime, deleteOperation } = await tenants.getTenant({ name: acme });
  assert.equal(state, TenantState.DELETING);
  assert.ok(deleteTime !== undefined);
  const operation = await operations.getOperation({ name: deleteOperation });
  assert.deepEqual(
    { ...operation, ...{ createTime: null, revision: '', _unknownFields: undefined } },
    {
      ...{ name: deleteOperation, done: false, error: undefined, tenant: acme, principal: 'api-key/test' },
      ...{ createTime: null, endTime: undefined, revision: '', _unknownFields: undefined },
      metadata: operation.metadata,
    },
  );
  const counts = { endpointCount: 2, subscriptionCount: 2, remainingEndpointCount: 2, remainingSubscriptionCount: 2 };
  assert.deepEqual(
    { ...operation.metadata?.value, _unknownFields: undefined },
    { ...counts, _unknownFields: undefined },
  );
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/in' });
  const binding = RoleBinding.fromPartial({ principal: 'user/a', role: Role.PUBLISHER, tenant: acme });
  const apiKey = ApiKey.fromPartial({ role: Role.PUBLISHER, tenant: acme });
  const named = Endpoint.fromPartial({ name: `${acme}/endpoints/one`, displayName: 'x' });
  const event = { id: '1', source: '/a', type: 'a' };
  const refused = [
    endpoints.createEndpoint({ parent: acme, endpointId: '', endpoint, requestId: '' }),
    endpoints.updateEndpoint({ endpoint: named, updateMask: ['display_name'] }),
    tenants.updateTenant({
      tenant: Tenant.fromPartial({ name: acme, displayName: 'x' }),
      updateMask: ['display_name'],
    }),
    access.createApiKey({ apiKeyId: '', apiKey, requestId: '' }),
    access.createRoleBinding({ roleBindingId: '', roleBinding: binding, requestId: '' }),
    pauses.pauseDeliveries({ name: acme, reason: 'a reason', expireTime: undefined }),
    events.publishEvents(PublishEventsRequest.fromPartial({ parent: acme, events: [event] })),
    operations.deleteOperation({ name: deleteOperation }),
  ].map((call: Promise<unknown>) => failure(call));
  for (const { code, message } of await Promise.all(refused)) {
    assert.equal(code, 'FAILED_PRECONDITION', message);
    assert.match(message, /^tenants\/acme is being deleted$|is not done yet$/);
  }
  // What takes away is not refused: it goes anyway.
  await endpoints.deleteEndpoint({ name: `${acme}/endpoints/one`, etag: '' });
  const { metadata } = await operations.getOperation({ name: deleteOperation });
  assert.deepEqual([metadata?.value.remainingEndpointCount, metadata?.value.endpointCount], [1, 2]);
  await stopped.goOn();
  await deleted;
});

test('a deletion that is answered has been done, its operation says so, and who repeats it is told of no tenant', async () => {
  await using run = await startTestPlane();
  await create(run);
  await run.tenants.deleteTenant(deletion);
  assert.equal((await failure(run.tenants.getTenant({ name: acme }))).code, 'NOT_FOUND');
  assert.equal((await failure(run.tenants.deleteTenant(deletion))).code, 'NOT_FOUND');
  const { operations } = await run.operations.listOperations(all);
  const [operation] = operations;
  assert.ok(operation !== undefined && operations.length === 1);
  assert.deepEqual([operation.done, operation.error], [true, undefined]);
  assert.ok(operation.endTime !== undefined);
  // The id is free again, and the new tenant’s people are not told of the old one.
  await create(run);
  await run.operations.deleteOperation({ name: operation.name });
  assert.equal((await failure(run.operations.getOperation({ name: operation.name }))).code, 'NOT_FOUND');
  assert.equal((await run.tenants.getTenant({ name: acme })).state, TenantState.ACTIVE);
});

test('a deletion that is asked for again while it goes on is the same one, whatever the etag', async () => {
  await using run = await startTestPlane();
  await create(run);
  const { etag } = await run.tenants.getTenant({ name: acme });
  const stopped = stopBehindMark(run);
  const first = run.tenants.deleteTenant({ ...deletion, etag });
  await stopped.marked;
  const again = run.tenants.deleteTenant({ ...deletion, force: false, etag });
  await stopped.goOn();
  await Promise.all([first, again]);
  assert.equal((await seen(run.operations)).length, 1);
});

test('a deletion whose mark is refused has not begun, and can be repeated', async () => {
  await using run = await startTestPlane();
  await create(run);
  run.kafka.failNextProduce(CONFIG_TOPIC, { kind: 'refuse', errorCode: 87 });
  await assert.rejects(run.tenants.deleteTenant(deletion));
  assert.equal((await run.tenants.getTenant({ name: acme })).state, TenantState.ACTIVE);
  assert.deepEqual(await seen(run.operations), []);
  await run.tenants.deleteTenant(deletion);
  const { subscriptions, endpoints, tenants } = run.plane.view.snapshot();
  assert.deepEqual([[...subscriptions()], [...endpoints()], [...tenants()]], [[], [], []]);
});

test('a tenant’s people see its operation while it is theirs, others do not, and neither do those of the next tenant of its id', async () => {
  await using run = await startTestPlane();
  await create(run);
  await run.tenants.createTenant({ tenantId: 'bell', tenant: undefined, requestId: '' });
  using stack = new DisposableStack();
  const as = async (tenant: string) => {
    const apiKey = ApiKey.fromPartial({ role: Role.TENANT_VIEWER, tenant });
    const { keyString } = await run.access.createApiKey({ apiKeyId: '', apiKey, requestId: '' });
    const client = new OperationServiceClient(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
    stack.defer(() => client.close());
    // A list: what has every method would be taken for a promise.
    return [calls(client, `Bearer ${keyString}`)] as const;
  };
  const [[mine], [theirs]] = [await as(acme), await as('tenants/bell')];
  const stopped = stopBehindMark(run);
  const deleted = run.tenants.deleteTenant(deletion);
  await stopped.marked;
  const { deleteOperation: name } = await run.tenants.getTenant({ name: acme });
  assert.deepEqual(await seen(mine), [name]);
  assert.equal((await mine.waitOperation({ name, timeout: noWait })).done, false);
  const waited = mine.waitOperation({ name, timeout: undefined });
  assert.deepEqual((await theirs.listOperations(all)).operations, []);
  const foreign = await failure(theirs.waitOperation({ name, timeout: undefined }));
  const absent = await failure(theirs.getOperation({ name: 'operations/none' }));
  assert.deepEqual([foreign.code, absent.code], ['NOT_FOUND', 'NOT_FOUND']);
  assert.equal(foreign.message.replace(name, ''), absent.message.replace('operations/none', ''));
  await stopped.goOn();
  await deleted;
  assert.equal((await waited).done, true, 'who waits is told, though the key is gone');
  await create(run);
  const [next] = await as(acme);
  assert.deepEqual((await next.listOperations(all)).operations, []);
  assert.equal((await failure(next.getOperation({ name }))).code, 'NOT_FOUND');
  assert.deepEqual(await seen(run.operations), [name]);
});

test('how long to wait is bounded, and a wait for what is done is over at once', async () => {
  await using run = await startTestPlane();
  await create(run);
  await run.tenants.deleteTenant(deletion);
  const [operation] = (await run.operations.listOperations(all)).operations;
  const name = operation?.name ?? '';
  for (const ms of [-1, serverLimits.operationWaitMs + 1]) {
    const { code, fields } = await failure(run.operations.waitOperation({ name, timeout: durationOf(ms) }));
    assert.deepEqual([code, fields], ['INVALID_ARGUMENT', ['timeout']]);
  }
  assert.equal((await run.operations.waitOperation({ name, timeout: undefined })).done, true);
});
