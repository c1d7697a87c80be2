import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { createFakeKafka } from '@postrider/kafka/testing';
import { CONFIG_TOPIC, failure, startTestPlane } from '../testing/harness.ts';
import type { Running } from '../testing/harness.ts';

const parent = 'tenants/acme';
const endpointsMade = ['one', 'two'];

async function create({ tenants, endpoints, subscriptions }: Running): Promise<void> {
  await tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const subscription = Subscription.fromPartial({ eventTypes: ['*'] });
  for (const endpointId of endpointsMade) {
    const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/in' });
    const { name } = await endpoints.createEndpoint({ parent, endpointId, endpoint, requestId: '' });
    for (const subscriptionId of ['a', 'b']) {
      await subscriptions.createSubscription({ parent: name, subscriptionId, subscription, requestId: '' });
    }
  }
}

/** INVALID_RECORD: final, so that part of a deletion is refused while the rest of it could be stored. */
const refusal = { kind: 'refuse', errorCode: 87 } as const;

test('whichever of its writes is refused, a deletion can be repeated and leaves nothing behind', async () => {
  let failed = 0;
  for (let refusals = 1; refusals <= 12; refusals += 1) {
    const kafka = createFakeKafka();
    await using run = await startTestPlane({}, kafka);
    await create(run);
    kafka.failNextProduce(CONFIG_TOPIC, refusal, refusals);
    const deletion = { name: parent, force: true, etag: '' };
    const first = await run.tenants.deleteTenant(deletion).catch((error: unknown) => error);
    if (first instanceof Error) {
      failed += 1;
      const view = run.plane.view.snapshot();
      for (const { endpointUid } of view.subscriptions()) assert.ok(view.endpoint(endpointUid) !== undefined);
      assert.equal(view.tenant('acme')?.tenant?.name, parent, `${refusals} refusals`);
      while ((await run.tenants.deleteTenant(deletion).catch((error: unknown) => error)) instanceof Error);
    }
    const after = run.plane.view.snapshot();
    assert.deepEqual([[...after.subscriptions()], [...after.endpoints()], [...after.tenants()]], [[], [], []]);
    assert.equal((await failure(run.tenants.getTenant({ name: parent }))).code, 'NOT_FOUND');
  }
  assert.ok(failed > 2, `${failed} deletions failed`);
});
