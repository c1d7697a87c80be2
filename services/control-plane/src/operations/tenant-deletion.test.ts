/** The deletion of a tenant by leaders who die. Double: Kafka. Observed: what stands on `config` and `audit`. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { configKey } from '@postrider/config-view';
import { AuditAction } from '@postrider/contract/postrider/v1/audit';
import { ApiKeyConfig, EndpointConfig, TenantConfig } from '@postrider/contract/postrider/v1/config';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { Pause } from '@postrider/contract/postrider/v1/pause';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { createFakeKafka } from '@postrider/kafka/testing';
import { auditedOf, verifiedOf } from '../../testing/audited.ts';
import { CONFIG_TOPIC } from '../../testing/harness.ts';
import { recordsOf } from '../../testing/replicas.ts';
import { openTestWriter } from '../../testing/test-writer.ts';
import { serverLimits } from '../server-limits.ts';
import { auditedContext } from '../audit/origin.ts';
import { deleteTenant } from '../tenant-methods.ts';
import { closedTenantsContext } from './closed-tenants.ts';
import { startOperations } from './run-operations.ts';
import { beginTenantDeletion } from './tenant-deletion.ts';
import type { FakeKafka } from '@postrider/kafka/testing';
import type { ServiceContext } from '../call.ts';
import type { Change, ConfigWriter } from '../config-writer.ts';

type Leader = Awaited<ReturnType<typeof openTestWriter>>;

const origin = {
  ...{ method: 'DeleteTenant', callId: 'c0ffee', credential: 'jwt', requestId: '', peer: '127.0.0.1:1' },
  forwardedFor: '',
};

/** What the endpoints of a tenant have: these subscriptions each, and so many of them a pause. */
const usual = { subscriptions: ['a', 'b'], paused: 1 };

/** A tenant with these many endpoints, and with one of whatever else can belong to it. */
async function makeTenant(
  writer: Pick<ConfigWriter, 'change'>,
  id: string,
  endpoints: number,
  { subscriptions, paused } = usual,
): Promise<void> {
  const name = `tenants/${id}`;
  await writer.change('test', (change) => {
    putNamed(change, id);
    put(change, 'api-key', id, { $case: 'apiKey', value: ApiKeyConfig.fromPartial({ id, tenant: id }) });
    for (const [binding, principal, tenant] of [
      [`${id}-in`, 'user/one', name],
      [`${id}-of`, `api-key/${id}`, 'tenants/other'],
      [`${id}-both`, `api-key/${id}`, name],
    ] as const) {
      const value = RoleBinding.fromPartial({ name: `roleBindings/${binding}`, principal, tenant });
      put(change, 'role-binding', binding, { $case: 'roleBinding', value });
    }
    put(change, 'pause', name, { $case: 'pause', value: Pause.fromPartial({ name }) });
    for (let at = 0; at < endpoints; at += 1) {
      const uid = `ep_${id}_${at}`;
      const endpoint = Endpoint.fromPartial({ uid, name: `${name}/endpoints/e${at}`, url: 'https://hooks.acme.dev/' });
      put(change, 'endpoint', uid, { $case: 'endpoint', value: EndpointConfig.fromPartial({ endpoint }) });
      for (const one of subscriptions) {
        const fields = {
          uid: `sub_${id}_${at}_${one}`,
          endpointUid: uid,
          name: `${endpoint.name}/subscriptions/${one}`,
        };
        put(change, 'subscription', fields.uid, { $case: 'subscription', value: Subscription.fromPartial(fields) });
      }
      if (at >= paused) continue;
      const pause = Pause.fromPartial({ name: endpoint.name, endpointUid: uid });
      put(change, 'pause', `endpoints/${uid}`, { $case: 'pause', value: pause });
    }
  });
}

function putNamed(change: Change, id: string): void {
  const tenant = Tenant.fromPartial({ name: `tenants/${id}`, createTime: change.now });
  put(change, 'tenant', id, { $case: 'tenant', value: TenantConfig.fromPartial({ tenant }) });
}

function put(
  change: Change,
  kind: Parameters<typeof configKey>[0],
  id: string,
  entity: ReturnType<Parameters<Change['put']>[1]>,
): void {
  change.put(configKey(kind, id), () => entity);
}

function begin({ writer }: Leader, id: string): Promise<string> {
  const plan = (change: Change): string => {
    const config = change.snapshot.tenant(id);
    assert.ok(config !== undefined);
    return beginTenantDeletion(change, id, config, 'user/admin', randomBytes);
  };
  return writer.change('user/admin', plan, origin);
}

function run({ view, writer, port, log }: Leader): Disposable {
  return startOperations({ view, writer, clock: port.clock, log, events: { operationDone: () => {} } });
}

async function untilDone({ view }: Leader, id: string): Promise<void> {
  const isDone = (): boolean => view.snapshot().operation(id)?.operation?.done === true;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = view.onChange(() => isDone() && resolve());
  if (!isDone()) await promise;
  stop();
}

/** Everything that is on `config` in the end, by key: nothing of a deleted entity. */
function left({ view }: Leader): readonly string[] {
  const { tenants, endpoints, subscriptions, apiKeys, roleBindings, pauses } = view.snapshot();
  const kinds = { tenants, endpoints, subscriptions, apiKeys, roleBindings, pauses };
  return Object.entries(kinds).flatMap(([kind, all]) => [...(all as () => Iterable<unknown>)()].map(() => kind));
}

/** How often each entity was deleted, as records, and as the audit tells it. */
function deletions(kafka: FakeKafka): { readonly records: readonly string[]; readonly audited: readonly string[] } {
  return {
    records: recordsOf(kafka).flatMap(({ key, entity }) => (entity?.$case === 'tombstone' ? [key] : [])),
    audited: auditedOf(kafka).flatMap(({ action, kind, resource }) =>
      action === AuditAction.DELETE ? [`${kind} ${resource}`] : [],
    ),
  };
}

/** 2 × 40 subscriptions, 40 endpoints, 2 pauses, a key, 3 bindings, the tenant. */
const ENDPOINTS = 40;
const RECORDS = ENDPOINTS * 3 + 2 + 1 + 3 + 1;
const PARTS = Math.ceil(RECORDS / serverLimits.deletedTogetherMax);

for (const stored of [false, true]) {
  for (let at = 1; at <= PARTS; at += 1) {
    const when = stored ? 'just after' : 'just before';
    test(`the leader dies ${when} part ${at} of ${PARTS} is stored: the next one goes on, and deletes nothing twice`, async () => {
      const kafka = createFakeKafka();
      const first = await openTestWriter(kafka, 'first');
      await makeTenant(first.writer, 'acme', ENDPOINTS);
      await makeTenant(first.writer, 'bell', 2);
      const others = left(first).length - RECORDS;
      const operation = await begin(first, 'acme');
      let parts = 0;
      const died = Promise.withResolvers<void>();
      const stop = kafka.onProduce(({ topic, clientId }) => {
        if (clientId !== 'first' || topic !== CONFIG_TOPIC || (parts += 1) !== at) return undefined;
        died.resolve();
        return { kind: 'silence', stored };
      });
      run(first);
      await died.promise;
      first.port.kill();
      stop();
      await using second = await openTestWriter(kafka, 'second');
      assert.equal(second.view.snapshot().tenant('acme') === undefined, stored && at === PARTS);
      using _running = run(second);
      await untilDone(second, operation);
      const { records, audited } = deletions(kafka);
      assert.deepEqual([records.length, new Set(records).size], [RECORDS, RECORDS]);
      assert.deepEqual([audited.length, new Set(audited).size], [RECORDS, RECORDS]);
      assert.equal(left(second).length, others, 'what belongs to others is left');
      assert.equal(verifiedOf(kafka).broken, null);
      const told = auditedOf(kafka).filter(({ action }) => action === AuditAction.DELETE);
      assert.deepEqual(
        [...new Set(told.map(({ callId, principal, method }) => [callId, principal, method].join()))],
        ['c0ffee,user/admin,DeleteTenant'],
      );
    });
  }
}

test('no part is larger than the limit, and several tenants are deleted in turns', async () => {
  const kafka = createFakeKafka();
  await using leader = await openTestWriter(kafka);
  await makeTenant(leader.writer, 'acme', ENDPOINTS);
  await makeTenant(leader.writer, 'bell', ENDPOINTS);
  const operations = [await begin(leader, 'acme'), await begin(leader, 'bell')];
  const sizes: number[] = [];
  const tenants: string[] = [];
  kafka.onProduce(({ topic, records }) => {
    if (topic !== CONFIG_TOPIC) return undefined;
    sizes.push(records.length);
    tenants.push(records[0]?.key?.toString().split('_')[1] ?? '');
    return undefined;
  });
  using _running = run(leader);
  for (const id of operations) await untilDone(leader, id);
  // With the last part go the tenant's own record and the operation's.
  assert.ok(Math.max(...sizes) <= serverLimits.deletedTogetherMax + 1, String(sizes));
  assert.deepEqual(tenants.slice(2, 4), tenants.slice(0, 2));
  assert.deepEqual(tenants.slice(0, 2).toSorted(), ['acme', 'bell']);
  assert.deepEqual(left(leader), []);
});

test('no pause outlives its endpoint, wherever a part ends', async () => {
  const kafka = createFakeKafka();
  await using leader = await openTestWriter(kafka);
  // Three records each, and two, so that parts end behind each of them.
  await makeTenant(leader.writer, 'acme', ENDPOINTS, { subscriptions: ['a'], paused: ENDPOINTS });
  await makeTenant(leader.writer, 'bell', ENDPOINTS, { subscriptions: [], paused: ENDPOINTS });
  const operations = [await begin(leader, 'acme'), await begin(leader, 'bell')];
  using _running = run(leader);
  for (const id of operations) await untilDone(leader, id);
  assert.deepEqual(left(leader), []);
});

test('a deletion whose operation another tool took away is begun anew when it is asked for again', async () => {
  const kafka = createFakeKafka();
  await using leader = await openTestWriter(kafka);
  await makeTenant(leader.writer, 'acme', 2);
  const lost = await begin(leader, 'acme');
  const { deleteTime } = leader.view.snapshot().tenant('acme')?.tenant ?? {};
  await leader.writer.change('test', ({ remove }) => remove(configKey('operation', lost)));
  using _running = run(leader);
  const { view, writer, port } = leader;
  const parts = { view, writer, clock: port.clock, random: randomBytes } as unknown as ServiceContext;
  const context = auditedContext(closedTenantsContext(parts), origin);
  const marks: (Tenant | undefined)[] = [];
  view.onChange((changes) => {
    for (const { kind, after } of changes) if (kind === 'tenant') marks.push(after?.tenant);
  });
  await deleteTenant(context)({ name: 'tenants/acme', force: false, etag: 'x' }, { actor: 'user/admin', grants: [] });
  assert.deepEqual(left(leader), []);
  const [begun] = [...view.snapshot().operations()];
  assert.deepEqual([begun?.operation?.done, begun?.operation?.error], [true, undefined]);
  assert.deepEqual([marks[0]?.deleteTime, marks[0]?.deleteOperation], [deleteTime, begun?.operation?.name]);
});

test('a call whose mark took longer to write than it waits for the deletion answers at once', async () => {
  let now = 0;
  const clock = { monotonic: () => now, after: () => () => {} };
  const writer = {
    change() {
      now += serverLimits.deletionAwaitedMs;
      return 'op_slow';
    },
  };
  const operation = { operation: { done: false } };
  const view = { snapshot: () => ({ operation: () => operation }), onChange: () => () => {} };
  const call = deleteTenant({ writer, view, clock, random: randomBytes } as unknown as ServiceContext);
  const answer = call({ name: 'tenants/acme', force: true, etag: '' }, { actor: 'user/admin', grants: [] });
  const late = new Promise((resolve) => setImmediate(resolve, 'it waits'));
  assert.deepEqual(await Promise.race([answer, late]), {});
});

test('a tenant of the same id that the operation has not marked is not touched: the operation ends with that', async () => {
  const kafka = createFakeKafka();
  await using leader = await openTestWriter(kafka);
  await makeTenant(leader.writer, 'acme', 2);
  const operation = await begin(leader, 'acme');
  await leader.writer.change('test', (change) => putNamed(change, 'acme'));
  const before = left(leader);
  using _running = run(leader);
  await untilDone(leader, operation);
  assert.deepEqual(left(leader), before);
  assert.match(leader.view.snapshot().operation(operation)?.operation?.error?.message ?? '', /another one/);
});

test('what the leader cannot write now is written later, and holds no other operation up', async () => {
  const kafka = createFakeKafka();
  await using leader = await openTestWriter(kafka);
  await makeTenant(leader.writer, 'acme', 2);
  await makeTenant(leader.writer, 'bell', 2);
  const operations = [await begin(leader, 'acme'), await begin(leader, 'bell')];
  kafka.failNextProduce(CONFIG_TOPIC, { kind: 'refuse', errorCode: 87 });
  const soon = Promise.withResolvers<() => void>();
  const after = (_ms: number, callback: () => void) => {
    soon.resolve(callback);
    return () => {};
  };
  const clock = { ...leader.port.clock, after };
  const events = { operationDone: () => {} };
  using _running = startOperations({ ...leader, clock, events });
  const again = await soon.promise;
  const done = operations.filter((id) => leader.view.snapshot().operation(id)?.operation?.done);
  assert.equal(done.length, 1);
  again();
  for (const id of operations) await untilDone(leader, id);
  assert.deepEqual(left(leader), []);
});
