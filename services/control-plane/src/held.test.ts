import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { Role } from '@postrider/contract/postrider/v1/access';
import { ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { Endpoint, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { EndpointServiceClient } from '@postrider/contract/postrider/v1/endpoint_service';
import { PauseServiceClient } from '@postrider/contract/postrider/v1/pause_service';
import { calls, failure, startTestPlane, type Calls, type Running } from '../testing/harness.ts';

interface Caller {
  readonly endpoints: Calls<EndpointServiceClient>;
  readonly pauses: Calls<PauseServiceClient>;
}

let run: Running;
let tenantAdmin: Caller;
let operator: Caller;
const closing: (() => void)[] = [];
const tenant = 'tenants/acme';
const name = `${tenant}/endpoints/shop`;

before(async () => {
  run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/in' });
  await run.endpoints.createEndpoint({ parent: tenant, endpointId: 'shop', endpoint, requestId: '' });
  tenantAdmin = await callerOf(Role.TENANT_ADMIN, tenant);
  operator = await callerOf(Role.OPERATOR, '');
});
after(async () => {
  for (const close of closing) close();
  await run.stop();
});

async function callerOf(role: Role, of: string): Promise<Caller> {
  const apiKey = ApiKey.fromPartial({ role, tenant: of });
  const { keyString } = await run.access.createApiKey({ apiKeyId: '', apiKey, requestId: '' });
  const address = `127.0.0.1:${run.plane.port}`;
  const endpoints = new EndpointServiceClient(address, credentials.createInsecure());
  const pauses = new PauseServiceClient(address, credentials.createInsecure());
  closing.push(
    () => endpoints.close(),
    () => pauses.close(),
  );
  return { endpoints: calls(endpoints, `Bearer ${keyString}`), pauses: calls(pauses, `Bearer ${keyString}`) };
}

const pause = ({ pauses }: Caller, what: string, expireTime?: Date) =>
  pauses.pauseDeliveries({ name: what, reason: 'a reason', expireTime });
const keep = { name, etag: '', pending: PendingPolicy.KEEP };

test('what the installation has paused no role in the tenant resumes, or pauses otherwise; what is its own it does', async () => {
  for (const what of [tenant, name]) {
    assert.equal((await pause(tenantAdmin, what)).heldByInstallation, false);
    await tenantAdmin.pauses.resumeDeliveries({ name: what });
    assert.equal((await pause(operator, what)).heldByInstallation, true);
    // A pause of one's own in its place would be over when one likes.
    for (const call of [
      tenantAdmin.pauses.resumeDeliveries({ name: what }),
      pause(tenantAdmin, what, new Date(Date.now() + 60_000)),
    ]) {
      const refused = await failure(call);
      assert.equal(refused.code, 'PERMISSION_DENIED');
      assert.match(refused.message, new RegExp(`^${what} is paused by the installation: only`));
    }
    assert.equal((await operator.pauses.resumeDeliveries({ name: what })).ended?.heldByInstallation, true);
    await pause(tenantAdmin, what);
    // An operator may make it his own.
    assert.equal((await pause(operator, what)).heldByInstallation, true);
    await operator.pauses.resumeDeliveries({ name: what });
    assert.equal((await tenantAdmin.pauses.resumeDeliveries({ name: what })).ended, undefined);
  }
});

test('a pause of the installation that is over holds nobody', async () => {
  const soon = new Date(Date.now() + 40);
  await pause(operator, name, soon);
  while (Date.now() <= soon.getTime()) await new Promise((resolve) => void setImmediate(resolve));
  assert.equal((await pause(tenantAdmin, name)).heldByInstallation, false);
  await tenantAdmin.pauses.resumeDeliveries({ name });
});

test('what the installation has disabled no role in the tenant enables; whatever else the tenant does, it stays so', async () => {
  assert.equal((await tenantAdmin.endpoints.disableEndpoint(keep)).heldByInstallation, false);
  await tenantAdmin.endpoints.enableEndpoint({ name, etag: '' });
  assert.equal((await tenantAdmin.endpoints.disableEndpoint(keep)).heldByInstallation, false);
  // Disabled already, and from now on not the tenant's to enable.
  assert.equal((await operator.endpoints.disableEndpoint(keep)).heldByInstallation, true);
  const cancelled = await tenantAdmin.endpoints.disableEndpoint({ ...keep, pending: PendingPolicy.CANCEL });
  assert.deepEqual([cancelled.heldByInstallation, cancelled.pending], [true, PendingPolicy.CANCEL]);
  const endpoint = Endpoint.fromPartial({ name, displayName: 'Shop', heldByInstallation: false });
  const updated = await tenantAdmin.endpoints.updateEndpoint({ endpoint, updateMask: ['display_name'] });
  assert.equal(updated.heldByInstallation, true);
  const masked = await failure(
    tenantAdmin.endpoints.updateEndpoint({ endpoint, updateMask: ['held_by_installation'] }),
  );
  assert.deepEqual(masked.fields, ['update_mask']);
  const refused = await failure(tenantAdmin.endpoints.enableEndpoint({ name, etag: '' }));
  assert.equal(refused.code, 'PERMISSION_DENIED');
  assert.match(refused.message, /is disabled by the installation: only somebody with a role in all tenants/);
  const enabled = await operator.endpoints.enableEndpoint({ name, etag: '' });
  assert.deepEqual([enabled.state, enabled.heldByInstallation], ['ENDPOINT_STATE_ENABLED', false]);
});
