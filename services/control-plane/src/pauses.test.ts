/** Pausing and resuming over gRPC: `testing/harness.ts` says what is a double. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { CONFIG_TOPIC, failure, startTestPlane, type Running } from '../testing/harness.ts';
import { serverLimits } from './server-limits.ts';

const shop = 'tenants/acme/endpoints/shop';
let run: Running;
let uid = '';
before(async () => {
  run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  ({ uid } = await create('shop'));
});
after(() => run.stop());

const create = (endpointId: string) =>
  run.endpoints.createEndpoint({
    parent: 'tenants/acme',
    endpointId,
    endpoint: Endpoint.fromPartial({ url: 'https://hooks.acme.dev/in' }),
    requestId: '',
  });
const pause = (name: string, reason = 'a flood', expireTime?: Date) =>
  run.pauses.pauseDeliveries({ name, reason, expireTime });
const resume = (name: string) => run.pauses.resumeDeliveries({ name });
const listed = async () => (await run.pauses.listPauses({ pageSize: 0, pageToken: '' })).pauses.map(({ name }) => name);
const soon = (ms: number): Date => new Date(run.port.clock.now() + ms);

test('each scope is paused by a record that says who, why and since when, and resumed again', async () => {
  const scopes = ['egressPools/default', 'installation', 'tenants/acme', shop];
  for (const name of scopes) {
    const made = await pause(name);
    assert.deepEqual([made.name, made.reason, made.endpointUid], [name, 'a flood', name === shop ? uid : '']);
    assert.notEqual(made.actor, '');
    assert.ok(made.createTime !== undefined);
  }
  assert.deepEqual(await listed(), scopes);
  const record = run.kafka.records(CONFIG_TOPIC).at(-1);
  assert.equal(record?.key?.toString(), `pause/endpoints/${uid}`);
  assert.equal(ConfigRecord.decode(record?.value ?? Buffer.alloc(0)).entity?.$case, 'pause');
  const resumed = await resume(shop);
  assert.equal(resumed.ended?.name, shop);
  assert.deepEqual(
    resumed.remaining.map(({ name }) => name),
    ['installation', 'egressPools/default', 'tenants/acme'],
  );
  for (const name of scopes) await resume(name);
  assert.deepEqual(await listed(), []);
  assert.equal((await resume(shop)).ended, undefined);
});

test('pausing again changes reason and end, and keeps since when', async () => {
  const first = await pause('installation');
  const second = await pause('installation', 'the flood goes on', soon(60_000));
  assert.deepEqual(second.createTime, first.createTime);
  assert.equal(second.reason, 'the flood goes on');
  await resume('installation');
});

test('what cannot be paused is refused with the field that is wrong', async () => {
  const wrong: readonly (readonly [string, string, Date | undefined, string])[] = [
    ['', 'why', undefined, 'name'],
    ['egressPools/', 'why', undefined, 'name'],
    ['tenants/acme/endpoints', 'why', undefined, 'name'],
    ['tenants/acme/endpoints/shop/subscriptions/x', 'why', undefined, 'name'],
    ['tenants/acme', '', undefined, 'reason'],
    ['tenants/acme', 'x'.repeat(serverLimits.reasonMax + 1), undefined, 'reason'],
    ['tenants/acme', 'why', new Date(0), 'expire_time'],
  ];
  for (const [name, reason, expireTime, field] of wrong) {
    const { code, fields } = await failure(pause(name, reason, expireTime));
    assert.deepEqual([code, fields], ['INVALID_ARGUMENT', [field]], `${name} ${reason}`);
  }
  for (const name of ['tenants/nobody', 'tenants/acme/endpoints/none', 'egressPools/none'])
    assert.equal((await failure(pause(name))).code, 'NOT_FOUND', name);
});

test('a deleted endpoint’s and tenant’s pauses go with them: the next of that name is not paused', async () => {
  await run.tenants.createTenant({ tenantId: 'brief', tenant: undefined, requestId: '' });
  await create('gone');
  await pause('tenants/acme/endpoints/gone');
  await pause('tenants/brief');
  await run.endpoints.deleteEndpoint({ name: 'tenants/acme/endpoints/gone', etag: '' });
  await run.tenants.deleteTenant({ name: 'tenants/brief', force: false, etag: '' });
  assert.deepEqual(await listed(), []);
});

test('only so many endpoints of a tenant are paused one by one, which keeps nobody else from pausing', async () => {
  await using full = await startTestPlane();
  for (const tenantId of ['full', 'other'])
    await full.tenants.createTenant({ tenantId, tenant: undefined, requestId: '' });
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/in' });
  const pauseOf = (name: string) => full.pauses.pauseDeliveries({ name, reason: 'why', expireTime: undefined });
  const ids = Array.from({ length: serverLimits.endpointPausesPerTenantMax + 1 }, (_, index) => `e${index}`);
  const created = ids.map((endpointId) =>
    full.endpoints.createEndpoint({ parent: 'tenants/full', endpointId, endpoint, requestId: '' }),
  );
  const names = (await Promise.all(created)).map(({ name }) => name);
  const answers = await Promise.allSettled(names.map(pauseOf));
  const refused = answers.filter((answer) => answer.status === 'rejected');
  assert.equal(refused.length, 1);
  assert.match(String(refused[0]?.reason), /RESOURCE_EXHAUSTED.*pause the tenant/);
  const parent = 'tenants/other';
  await full.endpoints.createEndpoint({ parent, endpointId: 'e', endpoint, requestId: '' });
  for (const name of ['tenants/full', `${parent}/endpoints/e`, 'egressPools/default', 'installation'])
    assert.equal((await pauseOf(name)).name, name);
});
