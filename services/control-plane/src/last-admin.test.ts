import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { Role } from '@postrider/contract/postrider/v1/access';
import { AccessServiceClient, ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { systemClock } from '@postrider/runtime';
import { createFakeKafka } from '@postrider/kafka/testing';
import { calls, failure, startTestPlane } from '../testing/harness.ts';
import type { Clock } from '@postrider/core';

const first = { name: 'apiKeys/test', etag: '' };

test('the last admin of all tenants is neither revoked nor deleted, his own key included, unless that is forced', async () => {
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  await using run = await startTestPlane({}, createFakeKafka({ clock }));
  const { access } = run;
  for (const call of [access.revokeApiKey, access.deleteApiKey]) {
    const { code, reason } = await failure(call({ ...first, force: false }));
    assert.deepEqual([code, reason], ['FAILED_PRECONDITION', 'LAST_ADMIN']);
  }
  // Neither another role, nor one tenant's, nor a key that ends, is somebody who could give the role again.
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const key = (apiKeyId: string, fields: Partial<ApiKey>) =>
    access.createApiKey({ apiKeyId, apiKey: ApiKey.fromPartial(fields), requestId: '' });
  await key('operator', { role: Role.OPERATOR });
  await key('ofacme', { role: Role.ADMIN, tenant: 'tenants/acme' });
  await key('ending', { role: Role.ADMIN, expireTime: new Date(clock.now() + 60_000) });
  aheadMs = 60_000;
  assert.equal((await failure(access.revokeApiKey({ ...first, force: false }))).reason, 'LAST_ADMIN');

  await key('second', { role: Role.ADMIN });
  await access.revokeApiKey({ ...first, force: false });
});

test('a binding of a token, a certificate or a usable key counts; with the key goes what was given to it', async () => {
  await using run = await startTestPlane();
  const { access } = run;
  const bind = (principal: string) =>
    access.createRoleBinding({
      roleBindingId: '',
      roleBinding: RoleBinding.fromPartial({ principal, role: Role.ADMIN }),
      requestId: '',
    });
  await bind('api-key/test');
  await bind('api-key/nobody');
  assert.equal((await failure(access.deleteApiKey({ ...first, force: false }))).reason, 'LAST_ADMIN');
  const { name } = await bind('user/ann');
  await access.deleteRoleBinding({ name, etag: '', force: false });
  await bind('certificate/cn:ops');
  await access.deleteApiKey({ ...first, force: false });
});

test('the last binding stays, too, and force takes even the last admin', async () => {
  await using run = await startTestPlane();
  const { access } = run;
  const roleBinding = RoleBinding.fromPartial({ principal: 'api-key/operator', role: Role.ADMIN });
  const operator = ApiKey.fromPartial({ role: Role.OPERATOR });
  const { keyString } = await access.createApiKey({ apiKeyId: 'operator', apiKey: operator, requestId: '' });
  const { name } = await access.createRoleBinding({ roleBindingId: '', roleBinding, requestId: '' });
  await access.revokeApiKey({ ...first, force: false });
  const client = new AccessServiceClient(`127.0.0.1:${run.plane.port}`, credentials.createInsecure());
  const other = calls(client, `Bearer ${keyString}`);
  assert.equal((await failure(other.deleteRoleBinding({ name, etag: '', force: false }))).reason, 'LAST_ADMIN');
  await other.deleteRoleBinding({ name, etag: '', force: true });
  client.close();
});
