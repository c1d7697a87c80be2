/** API keys and role bindings over gRPC, on the in-memory Kafka. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { Role } from '@postrider/contract/postrider/v1/access';
import { AccessServiceClient, ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import { isMistyped, type Clock } from '@postrider/core';
import { createFakeKafka } from '@postrider/kafka/testing';
import { systemClock } from '@postrider/runtime';
import { MIN_REVISION_METADATA } from './call-routing.ts';
import { ADMIN_KEY, calls, CONFIG_TOPIC, failure, startTestPlane } from '../testing/harness.ts';
import type { Running } from '../testing/harness.ts';

let run: Running;
/** The wall clock of all processes is ahead by this. */
let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
let access: AccessServiceClient;
let tenants: TenantServiceClient;
before(async () => {
  run = await startTestPlane({}, createFakeKafka({ clock }));
  access = new AccessServiceClient(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
  tenants = new TenantServiceClient(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
  for (const tenantId of ['acme', 'other'])
    await run.tenants.createTenant({ tenantId, tenant: undefined, requestId: '' });
});
after(async () => {
  access.close();
  tenants.close();
  await run.stop();
});

const list = { pageSize: 0, pageToken: '' };
const acme = 'tenants/acme';

function create(fields: Partial<ApiKey> = {}, rest: { apiKeyId?: string; requestId?: string } = {}): Promise<ApiKey> {
  const apiKey = ApiKey.fromPartial({ role: Role.TENANT_ADMIN, tenant: acme, ...fields });
  return run.access.createApiKey({ apiKeyId: '', requestId: '', ...rest, apiKey });
}

const as = (key: string) => calls(access, `Bearer ${key}`);
const opens = (key: string) => calls(tenants, `Bearer ${key}`).getTenant({ name: acme });

test('a key is shown once, opens what its role allows, and only its hash is kept', async () => {
  const made = await create({ displayName: 'A key' });
  assert.ok(!isMistyped(made.keyString));
  assert.equal((await opens(made.keyString)).name, acme);
  const got = await run.access.getApiKey({ name: made.name });
  assert.deepEqual({ ...got, lastUseTime: undefined }, { ...made, keyString: '' });
  const secret = made.keyString.split('_')[2] ?? '';
  for (const { value } of run.kafka.records(CONFIG_TOPIC, 0)) assert.ok(!value?.includes(secret));
  assert.ok(!JSON.stringify(run.log.lines).includes(secret));
});

test('a revoked, an expired and a deleted key are refused in the words for any wrong one, and stay so', async () => {
  const revoked = await create();
  const first = await run.access.revokeApiKey({ name: revoked.name, etag: revoked.etag, force: false });
  assert.ok(first.revokeTime !== undefined);
  assert.deepEqual(await run.access.revokeApiKey({ name: revoked.name, etag: 'old', force: false }), first);
  const deleted = await create({}, { apiKeyId: 'gone1' });
  await run.access.deleteApiKey({ name: deleted.name, etag: '', force: false });
  assert.equal((await failure(create({}, { apiKeyId: 'gone1' }))).code, 'ALREADY_EXISTS');
  const expired = await create({ expireTime: new Date(clock.now() + 60_000) });
  await opens(expired.keyString);
  aheadMs += 60_000;
  for (const { keyString } of [revoked, deleted, expired]) {
    const { code, message } = await failure(opens(keyString));
    assert.deepEqual([code, message], ['UNAUTHENTICATED', 'the API key is not valid']);
  }
});

test('nobody gives, changes or takes away more than he has', async () => {
  const { keyString } = await create();
  const admin = await create({ role: Role.ADMIN, tenant: '' });
  const tenantAdmin = as(keyString);
  const ask = (role: Role, tenant: string) =>
    tenantAdmin.createApiKey({ apiKeyId: '', requestId: '', apiKey: ApiKey.fromPartial({ role, tenant }) });
  await ask(Role.TENANT_VIEWER, acme);
  for (const role of [Role.ADMIN, Role.OPERATOR])
    assert.equal((await failure(ask(role, acme))).code, 'PERMISSION_DENIED');
  assert.equal((await failure(ask(Role.TENANT_ADMIN, ''))).code, 'PERMISSION_DENIED');
  const foreign = await failure(ask(Role.TENANT_ADMIN, 'tenants/other'));
  const absent = await failure(ask(Role.TENANT_ADMIN, 'tenants/nobody'));
  assert.deepEqual([foreign.code, foreign.message], ['NOT_FOUND', 'tenants/other does not exist']);
  assert.equal(absent.message, 'tenants/nobody does not exist');
  assert.equal(
    (await failure(tenantAdmin.revokeApiKey({ name: admin.name, etag: '', force: false }))).code,
    'NOT_FOUND',
  );
  const everywhere = await create({ role: Role.TENANT_ADMIN, tenant: '' });
  const refused = await failure(as(everywhere.keyString).revokeApiKey({ name: admin.name, etag: '', force: false }));
  assert.equal(refused.code, 'PERMISSION_DENIED');
  const chosen = tenantAdmin.createApiKey({
    apiKeyId: admin.name.split('/')[1] ?? '',
    requestId: '',
    apiKey: ApiKey.fromPartial({ role: Role.PUBLISHER, tenant: acme }),
  });
  assert.deepEqual((await failure(chosen)).fields, ['api_key_id']);
  await opens(admin.keyString);
});

test('a role binding gives a key more, and takes it back when it goes', async () => {
  const { name, keyString } = await create({ role: Role.PUBLISHER });
  const principal = `api-key/${name.split('/')[1]}`;
  assert.equal((await failure(opens(keyString))).code, 'PERMISSION_DENIED');
  const roleBinding = RoleBinding.fromPartial({ principal, role: Role.TENANT_VIEWER, tenant: acme });
  const request = { roleBindingId: '', roleBinding, requestId: 'once' };
  const binding = await run.access.createRoleBinding(request);
  assert.deepEqual(await run.access.createRoleBinding(request), binding);
  await opens(keyString);
  assert.deepEqual((await run.access.listRoleBindings(list)).roleBindings, [binding]);
  await run.access.deleteRoleBinding({ name: binding.name, etag: binding.etag, force: false });
  assert.equal((await failure(opens(keyString))).code, 'PERMISSION_DENIED');
});

test('a call that waits for the revision that gives its caller a role has that role', async () => {
  const { name, keyString } = await create({ role: Role.PUBLISHER });
  const next = String(BigInt(run.plane.view.snapshot().revision) + 1n);
  // Over one connection, so that it waits already when the role is given.
  const waiting = calls(access, `Bearer ${keyString}`, { [MIN_REVISION_METADATA]: next }).listApiKeys(list);
  const roleBinding = RoleBinding.fromPartial({
    principal: `api-key/${name.split('/')[1]}`,
    role: Role.TENANT_ADMIN,
    tenant: acme,
  });
  const [{ apiKeys }, binding] = await Promise.all([
    waiting,
    calls(access).createRoleBinding({ roleBindingId: '', roleBinding, requestId: '' }),
  ]);
  assert.ok(apiKeys.some((key) => key.name === name));
  await run.access.deleteRoleBinding({ name: binding.name, etag: '', force: false });
});

test('a repetition that comes after the deletion makes neither the key nor the binding again, but another tenant’s may', async () => {
  const once = { requestId: 'late' };
  const made = await create({ displayName: 'once' }, once);
  assert.deepEqual(await create({}, once), { ...made, keyString: '' });
  await run.access.deleteApiKey({ name: made.name, etag: '', force: false });
  assert.equal((await failure(create({}, once))).code, 'ALREADY_EXISTS');
  const roleBinding = RoleBinding.fromPartial({ principal: 'user/late', role: Role.TENANT_VIEWER, tenant: acme });
  const give = (tenant = acme) =>
    run.access.createRoleBinding({ roleBindingId: '', roleBinding: { ...roleBinding, tenant }, ...once });
  const { name } = await give();
  await run.access.deleteRoleBinding({ name, etag: '', force: false });
  assert.equal((await failure(give())).code, 'ALREADY_EXISTS');
  for (const other of [await create({ tenant: 'tenants/other' }, once), await give('tenants/other')])
    assert.equal(other.tenant, 'tenants/other');
  const [given] = (await run.access.listRoleBindings(list)).roleBindings;
  await run.access.deleteRoleBinding({ name: given?.name ?? '', etag: '', force: false });
});

test('with a key goes what was given to it, wherever that was', async () => {
  await run.tenants.createTenant({ tenantId: 'brief', tenant: undefined, requestId: '' });
  const deleted = await create();
  const ofTenant = await create({ tenant: 'tenants/brief' });
  for (const { name } of [deleted, ofTenant]) {
    const principal = `api-key/${name.split('/')[1]}`;
    for (const tenant of ['tenants/other', 'tenants/brief']) {
      const roleBinding = RoleBinding.fromPartial({ principal, role: Role.TENANT_VIEWER, tenant });
      await run.access.createRoleBinding({ roleBindingId: '', roleBinding, requestId: '' });
    }
  }
  await run.access.deleteApiKey({ name: deleted.name, etag: '', force: false });
  assert.equal((await run.access.listRoleBindings(list)).roleBindings.length, 2);
  await run.tenants.deleteTenant({ name: 'tenants/brief', force: false, etag: '' });
  assert.deepEqual((await run.access.listRoleBindings(list)).roleBindings, []);
});

test('with a tenant go its keys and bindings: another tenant of this id is not opened by them', async () => {
  await run.tenants.createTenant({ tenantId: 'short', tenant: undefined, requestId: '' });
  const { keyString } = await create({ tenant: 'tenants/short' });
  const roleBinding = RoleBinding.fromPartial({ principal: 'user/a', role: Role.ADMIN, tenant: 'tenants/short' });
  await run.access.createRoleBinding({ roleBindingId: 'short', roleBinding, requestId: '' });
  await run.tenants.deleteTenant({ name: 'tenants/short', force: false, etag: '' });
  await run.tenants.createTenant({ tenantId: 'short', tenant: undefined, requestId: '' });
  assert.equal((await failure(as(keyString).listApiKeys(list))).code, 'UNAUTHENTICATED');
  assert.equal((await failure(run.access.getRoleBinding({ name: 'roleBindings/short' }))).code, 'NOT_FOUND');
});

test('that a key is used is noted once in an hour, and changes neither its etag nor its revision', async () => {
  const made = await create();
  const used = async (): Promise<ApiKey> => {
    await opens(made.keyString);
    // Changes take turns: this one has had its turn behind the note.
    await run.access.updateApiKey({ apiKey: made, updateMask: ['display_name'] });
    return run.access.getApiKey({ name: made.name });
  };
  assert.equal((await used()).lastUseTime, undefined);
  aheadMs += 3_600_000;
  const first = await used();
  assert.ok(first.lastUseTime !== undefined);
  assert.deepEqual([first.etag, first.revision], [made.etag, made.revision]);
  aheadMs += 3_590_000;
  assert.deepEqual(await used(), first);
  aheadMs += 10_000;
  assert.ok(Number((await used()).lastUseTime) > Number(first.lastUseTime));
});

test('a changed key keeps what was not named; stale etags and fields that cannot be changed are refused', async () => {
  const made = await create({ displayName: 'before' });
  const change = (fields: Partial<ApiKey>, updateMask?: string[]) =>
    run.access.updateApiKey({ apiKey: { ...made, ...fields }, updateMask });
  const expireTime = new Date(clock.now() + 3_600_000);
  const changed = await change({ expireTime }, ['expire_time']);
  assert.deepEqual([changed.displayName, changed.expireTime], ['before', expireTime]);
  assert.equal((await failure(change({ displayName: 'x' }, ['display_name']))).code, 'ABORTED');
  for (const path of ['role', 'tenant', 'key_string', 'last_use_time', 'nothing']) {
    assert.deepEqual((await failure(change({ etag: '' }, [path]))).fields, ['update_mask'], path);
  }
  const past = { etag: '', expireTime: new Date(0) };
  assert.deepEqual((await failure(change(past, ['expire_time']))).fields, ['api_key.expire_time']);
});

test('bad input is named field by field', async () => {
  const rows: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['api_key', () => run.access.createApiKey({ apiKeyId: '', apiKey: undefined, requestId: '' })],
    ['api_key.role', () => create({ role: Role.UNSPECIFIED })],
    ['api_key.role', () => create({ role: 'UNRECOGNIZED' as Role })],
    ['api_key.tenant', () => create({ tenant: 'acme' })],
    ['api_key.tenant', () => create({ tenant: 'tenants/' })],
    ['api_key.tenant', () => create({ tenant: 'tenants/A/b' })],
    ['api_key.display_name', () => create({ displayName: 'x'.repeat(201) })],
    ['api_key.display_name', () => create({ displayName: 'a\nb' })],
    ['api_key.expire_time', () => create({ expireTime: new Date(0) })],
    ['api_key_id', () => create({}, { apiKeyId: 'ABCD' })],
    ['api_key_id', () => create({}, { apiKeyId: 'abc' })],
    ['request_id', () => create({}, { requestId: 'x'.repeat(129) })],
    ['name', () => run.access.getApiKey({ name: 'apiKeys/' })],
    ['name', () => run.access.deleteApiKey({ name: 'tenants/acme', etag: '', force: false })],
    ['page_size', () => run.access.listApiKeys({ pageSize: -1, pageToken: '' })],
    ['page_token', () => run.access.listRoleBindings({ pageSize: 0, pageToken: 'x' })],
  ];
  for (const [field, call] of rows) {
    const { code, fields } = await failure(call());
    assert.deepEqual([code, fields], ['INVALID_ARGUMENT', [field]], field);
  }
  for (const principal of [
    '',
    'user/',
    'user/a b',
    'user/a\n',
    'api-key/A',
    'group/',
    'certificate/x',
    'robot/x',
    `user/${'x'.repeat(256)}`,
  ]) {
    const roleBinding = RoleBinding.fromPartial({ principal, role: Role.ADMIN });
    const { fields } = await failure(run.access.createRoleBinding({ roleBindingId: '', roleBinding, requestId: '' }));
    assert.deepEqual(fields, ['role_binding.principal'], principal);
  }
});

test('the token of a page is worth nothing to who sees other tenants', async () => {
  const one = await create();
  await create({ role: Role.PUBLISHER });
  const other = await create({ tenant: 'tenants/other' });
  const { nextPageToken } = await as(one.keyString).listApiKeys({ pageSize: 1, pageToken: '' });
  assert.notEqual(nextPageToken, '');
  for (const key of [other.keyString, ADMIN_KEY]) {
    const { fields } = await failure(as(key).listApiKeys({ pageSize: 1, pageToken: nextPageToken }));
    assert.deepEqual(fields, ['page_token']);
  }
});
