/**
 * Every method that changes something, or shows a secret, stands in the audit: whoever adds one to the contract adds here how
 * it is called. On the in-memory Kafka, with an owner that answers nothing.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Role } from '@postrider/contract/postrider/v1/access';
import { ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { AuditAction, AuditOutcome } from '@postrider/contract/postrider/v1/audit';
import { MoveTo } from '@postrider/contract/postrider/v1/delivery_service';
import { Endpoint, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { EventType } from '@postrider/contract/postrider/v1/event_type';
import { methodRules } from '@postrider/contract/postrider/v1/methods';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { RotateSecretRequest } from '@postrider/contract/postrider/v1/secret_service';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { encodeClaim, NO_EPOCH, OWNER_KEY } from '@postrider/core';
import { parsePools } from '@postrider/egress';
import { auditedOf, verifiedOf } from '../../testing/audited.ts';
import { startTestPlane } from '../../testing/harness.ts';
import type { AuditEntry } from '@postrider/contract/postrider/v1/audit';
import type { GroupMember } from '@postrider/kafka';
import type { Running } from '../../testing/harness.ts';

type Rules = typeof methodRules;
/** The methods of the API that the audit must tell of. */
type Audited = {
  [M in keyof Rules]: Rules[M]['internal'] extends false
    ? Rules[M]['effect'] extends 'read' | 'publish'
      ? never
      : M
    : never;
}[keyof Rules];

const acme = 'tenants/acme';
const endpoint = `${acme}/endpoints/one`;
const subscription = `${endpoint}/subscriptions/all`;
const eventType = 'eventTypes/order.paid';
const delivery = `${endpoint}/deliveries/dlv_${'0'.repeat(32)}`;
const pool = 'egressPools/partners';
const SECRET = 'canary-5e1d';
const nothing = { etag: '', requestId: '' };
const reason = 'a reason';

/** How each is called, in an order in which each has something to change. */
const calls: Readonly<Record<Audited, (run: Running) => Promise<unknown>>> = {
  CreateTenant: ({ tenants }) => tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: 'r-1' }),
  UpdateTenant: ({ tenants }) =>
    tenants.updateTenant({
      tenant: Tenant.fromPartial({ name: acme, displayName: 'Acme' }),
      updateMask: ['display_name'],
    }),
  CreateEventType: (run) =>
    run.eventTypes.createEventType({ eventTypeId: 'order.paid', eventType: EventType.fromPartial({}), requestId: '' }),
  UpdateEventType: (run) =>
    run.eventTypes.updateEventType({
      eventType: EventType.fromPartial({ name: eventType, description: 'paid' }),
      updateMask: ['description'],
    }),
  ArchiveEventType: (run) => run.eventTypes.archiveEventType({ ...nothing, name: eventType }),
  UnarchiveEventType: (run) => run.eventTypes.unarchiveEventType({ ...nothing, name: eventType }),
  CreateEndpoint: ({ endpoints }) =>
    endpoints.createEndpoint({
      parent: acme,
      endpointId: 'one',
      endpoint: Endpoint.fromPartial({
        url: 'https://hooks.acme.dev/',
        auth: { method: { $case: 'basic', value: { username: 'us', password: SECRET } } },
        headers: { 'x-api-key': SECRET },
      }),
      requestId: '',
    }),
  UpdateEndpoint: ({ endpoints }) =>
    endpoints.updateEndpoint({
      endpoint: Endpoint.fromPartial({
        name: endpoint,
        auth: { method: { $case: 'bearer', value: { token: `${SECRET}-2` } } },
      }),
      updateMask: ['auth'],
    }),
  RotateSecret: ({ secrets }) => secrets.rotateSecret(RotateSecretRequest.fromPartial({ name: endpoint })),
  RevealSecret: async ({ secrets }) => secrets.revealSecret({ name: await endingSecret(), reason }),
  DeleteSecret: async ({ secrets }) => secrets.deleteSecret({ name: await endingSecret() }),
  DisableEndpoint: ({ endpoints }) =>
    endpoints.disableEndpoint({ ...nothing, name: endpoint, pending: PendingPolicy.CANCEL }),
  EnableEndpoint: ({ endpoints }) => endpoints.enableEndpoint({ ...nothing, name: endpoint }),
  CreateSubscription: ({ subscriptions }) =>
    subscriptions.createSubscription({
      parent: endpoint,
      subscriptionId: 'all',
      subscription: Subscription.fromPartial({ eventTypes: ['a'] }),
      requestId: '',
    }),
  UpdateSubscription: ({ subscriptions }) =>
    subscriptions.updateSubscription({
      subscription: Subscription.fromPartial({ name: subscription, labels: { a: 'b' } }),
      updateMask: ['labels'],
    }),
  AddEventTypes: ({ subscriptions }) =>
    subscriptions.addEventTypes({ name: subscription, eventTypes: ['b'], etag: '' }),
  RemoveEventTypes: ({ subscriptions }) =>
    subscriptions.removeEventTypes({ name: subscription, eventTypes: ['b'], etag: '' }),
  PauseDeliveries: ({ pauses }) => pauses.pauseDeliveries({ name: acme, reason, expireTime: undefined }),
  ResumeDeliveries: ({ pauses }) => pauses.resumeDeliveries({ name: acme }),
  SkipDelivery: ({ deliveries }) => deliveries.skipDelivery({ name: delivery, runId: '', reason }),
  MoveDelivery: ({ deliveries }) => deliveries.moveDelivery({ name: delivery, runId: '', to: MoveTo.BULK }),
  DrainDispatcher: ({ dispatchers }) => dispatchers.drainDispatcher({ name: 'dispatchers/d1', reason, force: true }),
  UndrainDispatcher: ({ dispatchers }) => dispatchers.undrainDispatcher({ name: 'dispatchers/d1' }),
  AnnounceEgressAddress: ({ egress }) =>
    egress.announceEgressAddress({ parent: pool, cidr: '192.0.2.8', effectiveTime: undefined, force: true }),
  RetireEgressAddress: ({ egress }) =>
    egress.retireEgressAddress({ name: `${pool}/addresses/192.0.2.8`, retireTime: undefined, force: true }),
  CreateApiKey: ({ access }) =>
    access.createApiKey({
      apiKeyId: 'made',
      apiKey: ApiKey.fromPartial({ role: Role.TENANT_ADMIN, tenant: acme }),
      requestId: '',
    }),
  UpdateApiKey: ({ access }) =>
    access.updateApiKey({
      apiKey: ApiKey.fromPartial({ name: 'apiKeys/made', displayName: 'x' }),
      updateMask: ['display_name'],
    }),
  CreateRoleBinding: ({ access }) =>
    access.createRoleBinding({
      roleBindingId: 'made',
      roleBinding: RoleBinding.fromPartial({ principal: 'api-key/made', role: Role.PUBLISHER, tenant: acme }),
      requestId: '',
    }),
  DeleteRoleBinding: ({ access }) => access.deleteRoleBinding({ name: 'roleBindings/made', etag: '', force: false }),
  RevokeApiKey: ({ access }) => access.revokeApiKey({ name: 'apiKeys/made', etag: '', force: false }),
  DeleteApiKey: ({ access }) => access.deleteApiKey({ name: 'apiKeys/made', etag: '', force: false }),
  DeleteSubscription: ({ subscriptions }) => subscriptions.deleteSubscription({ name: subscription, etag: '' }),
  DeleteEventType: (run) => run.eventTypes.deleteEventType({ ...nothing, name: eventType }),
  DeleteEndpoint: ({ endpoints }) => endpoints.deleteEndpoint({ name: endpoint, etag: '' }),
  DeleteTenant: ({ tenants }) => tenants.deleteTenant({ name: acme, force: true, etag: '' }),
  DeleteOperation: async ({ operations }) => {
    const { operations: all } = await operations.listOperations({ pageSize: 0, pageToken: '' });
    return operations.deleteOperation({ name: all[0]?.name ?? '' });
  },
};

let run: Running;
/** The endpoint's secret that was rotated out. */
async function endingSecret(): Promise<string> {
  const { secrets } = await run.secrets.listSecrets({ parent: endpoint, pageSize: 0, pageToken: '' });
  return secrets.find(({ expireTime }) => expireTime !== undefined)?.name ?? '';
}
let dispatcher: GroupMember;
before(async () => {
  const pools = parsePools('{"partners":{"kind":"addresses","localAddresses":["192.0.2.7"]}}', () => '');
  run = await startTestPlane({ pools });
  const groupId = 'postrider.dispatcher';
  const options = { groupId, processId: 'd1', topics: ['postrider.ownership'], startFrom: 'latest' as const };
  const port = run.kafka.connect('d1');
  dispatcher = await port.groupMember({ ...options, onAssigned() {}, onBatch() {} });
  const claim = encodeClaim({ processId: 'd1', randomId: Buffer.alloc(16), followsEpoch: NO_EPOCH });
  for (let partition = 0; partition < 4; partition += 1)
    run.kafka.append('postrider.ownership', partition, { key: Buffer.from(OWNER_KEY), value: claim });
});
after(async () => {
  await dispatcher[Symbol.asyncDispose]();
  await run.stop();
});

const wanted = Object.entries(methodRules).filter(
  ([, { internal, effect }]) => !internal && effect !== 'read' && effect !== 'publish',
);
const told = new Map<string, readonly AuditEntry[]>();

for (const [method, call] of Object.entries(calls)) {
  test(`${method} is told, by whom and of what`, async () => {
    const count = auditedOf(run.kafka).length;
    const failed = await call(run).then(
      () => null,
      (error: unknown) => error,
    );
    // What Postrider does by itself in consequence is told, too, as its own.
    const entries = auditedOf(run.kafka)
      .slice(count)
      .filter(({ principal }) => !principal.startsWith('system/'));
    told.set(method, entries);
    assert.ok(entries.length > 0, `${method} is not audited: ${String(failed)}`);
    for (const entry of entries) {
      assert.deepEqual([entry.method, entry.principal], [method, 'api-key/test']);
      assert.match(entry.peer, /^127\.0\.0\.1:\d+$/);
      assert.notEqual(entry.resource, '');
      const isOfTenant = /^tenants\//.test(entry.resource);
      if (isOfTenant) assert.equal(entry.tenant, acme);
      assert.equal(entry.callId, entries[0]?.callId);
      assert.ok(entry.changes.length > 0 || entry.detail !== '', 'what changed, or why, is told');
    }
  });
}

test('every method that changes something or shows a secret was called', () => {
  assert.deepEqual(new Set(told.keys()), new Set(wanted.map(([method]) => method)));
  assert.equal(verifiedOf(run.kafka).broken, null);
});

test('what is asked of a dispatcher is told before it is asked, with the reason, and again when it failed', () => {
  for (const method of ['SkipDelivery', 'MoveDelivery']) {
    const outcomes = told.get(method)?.map(({ outcome, tenant }) => [outcome, tenant]);
    assert.deepEqual(outcomes, [
      [AuditOutcome.ASKED, acme],
      [AuditOutcome.FAILED, acme],
    ]);
  }
  assert.equal(told.get('SkipDelivery')?.[0]?.detail, reason);
});

test('a tenant’s deletion tells of all that went with it, as one call', async () => {
  const parent = 'tenants/last';
  await run.tenants.createTenant({ tenantId: 'last', tenant: undefined, requestId: '' });
  const fields = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/' });
  await run.endpoints.createEndpoint({ parent, endpointId: 'one', endpoint: fields, requestId: '' });
  await run.pauses.pauseDeliveries({ name: `${parent}/endpoints/one`, reason, expireTime: undefined });
  const count = auditedOf(run.kafka).length;
  await run.tenants.deleteTenant({ name: parent, force: true, etag: '' });
  const gone = auditedOf(run.kafka).slice(count);
  const operation = gone[0]?.resource ?? '';
  assert.match(operation, /^operations\/op_[0-9a-f]{32}$/);
  assert.deepEqual(
    gone.map(({ action, kind, resource }) => [action, kind, resource]),
    [
      [AuditAction.CREATE, 'operation', operation],
      [AuditAction.UPDATE, 'tenant', parent],
      [AuditAction.DELETE, 'pause', `${parent}/endpoints/one`],
      [AuditAction.DELETE, 'endpoint', `${parent}/endpoints/one`],
      [AuditAction.DELETE, 'tenant', parent],
      [AuditAction.UPDATE, 'operation', operation],
    ],
  );
  assert.deepEqual(new Set(gone.map(({ tenant }) => tenant)), new Set([parent]));
  assert.equal(new Set(gone.map(({ callId }) => callId)).size, 1);
  assert.equal(told.get('CreateTenant')?.[0]?.requestId, 'r-1');
});

test('no secret stands in the audit, and that one was changed does', () => {
  const stored = Buffer.concat(run.kafka.records('postrider.audit').map(({ value }) => value ?? Buffer.alloc(0)));
  for (const encoding of ['utf8', 'base64', 'hex'] as const) {
    assert.ok(!stored.includes(Buffer.from(SECRET).toString(encoding)), encoding);
  }
  const [updated] = told.get('UpdateEndpoint') ?? [];
  const secrets = updated?.changes.filter(({ secret }) => secret).map(({ field }) => field);
  assert.ok(
    secrets?.some((field) => field.startsWith('credentials.')),
    String(secrets),
  );
});

test('a call that is refused, or changes nothing, leaves no entry', async () => {
  await run.tenants.createTenant({ tenantId: 'bell', tenant: undefined, requestId: 'same' });
  const count = auditedOf(run.kafka).length;
  await run.tenants.createTenant({ tenantId: 'bell', tenant: undefined, requestId: 'same' });
  await assert.rejects(run.tenants.createTenant({ tenantId: 'bell', tenant: undefined, requestId: '' }));
  await assert.rejects(run.tenants.deleteTenant({ name: 'tenants/none', force: false, etag: '' }));
  assert.equal(auditedOf(run.kafka).length, count);
});
