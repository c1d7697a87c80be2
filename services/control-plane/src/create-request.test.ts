import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Role } from '@postrider/contract/postrider/v1/access';
import { ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { failure, startTestPlane } from '../testing/harness.ts';

test('a request_id that made something else is refused by its name; the same request is answered again', async () => {
  await using run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const requestId = 'once';
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/' });
  const subscription = Subscription.fromPartial({ eventTypes: ['*'] });
  const makeEndpoint = (endpointId: string) =>
    run.endpoints.createEndpoint({ parent: 'tenants/acme', endpointId, endpoint, requestId });
  const makeSubscription = (subscriptionId: string) =>
    run.subscriptions.createSubscription({
      parent: 'tenants/acme/endpoints/one',
      subscriptionId,
      subscription,
      requestId,
    });
  const makeKey = (apiKeyId: string, role: Role = Role.OPERATOR) =>
    run.access.createApiKey({ apiKeyId, apiKey: ApiKey.fromPartial({ role }), requestId });
  const bind = (principal: string, role: Role = Role.OPERATOR) =>
    run.access.createRoleBinding({
      roleBindingId: '',
      roleBinding: RoleBinding.fromPartial({ principal, role }),
      requestId,
    });
  for (const [same, others] of [
    [() => makeEndpoint('one'), [() => makeEndpoint('two')]],
    [() => makeSubscription('one'), [() => makeSubscription('two')]],
    [() => makeKey('key1'), [() => makeKey('key2'), () => makeKey('key1', Role.PUBLISHER)]],
    [() => bind('user/ann'), [() => bind('user/bob'), () => bind('user/ann', Role.PUBLISHER)]],
  ] as const) {
    const { name } = await same();
    assert.equal((await same()).name, name);
    for (const other of others) {
      const { code, reason, fields } = await failure(other());
      assert.deepEqual([code, reason, fields], ['INVALID_ARGUMENT', 'REQUEST_ID_REUSED', ['request_id']]);
    }
  }
});
