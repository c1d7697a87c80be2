/**
 * The client certificate of an endpoint is changed under load, on a whole stack over a real Kafka. What may be observed:
 * whom the endpoint saw, how many tokens were asked for, and what stands on `attempts`, `dead-letters` and in the logs.
 */
// test-timeout: 180 s
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { createTestAuthority } from '../support/certificates.ts';
import { sharedKafka } from '../support/kafka.ts';
import { startLoad } from '../support/load.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { oauth2, startTlsEndpoint, startTokenServer, tlsSettings } from '../support/tls-endpoint.ts';
import { waitFor } from '../support/wait-for.ts';

const eventsPerSecond = 60;
/** What an endpoint is to see of each certificate, at least. */
const each = 200;
const names = ['first', 'second', 'third'] as const;

async function createEndpoint({ rpc }: Stack, fields: Parameters<typeof Endpoint.fromPartial>[0]): Promise<Endpoint> {
  const { tenants, endpoints, subscriptions } = rpc;
  const tenant = await rpc.call(tenants, tenants.createTenant, {
    ...{ tenantId: 'acme', requestId: '' },
    tenant: Tenant.fromPartial({}),
  });
  const endpoint = await rpc.call(endpoints, endpoints.createEndpoint, {
    ...{ parent: tenant.name, endpointId: 'hook', requestId: '' },
    endpoint: Endpoint.fromPartial(fields),
  });
  await rpc.call(subscriptions, subscriptions.createSubscription, {
    ...{ parent: endpoint.name, subscriptionId: 'all', requestId: '' },
    subscription: Subscription.fromPartial({ eventTypes: ['*'] }),
  });
  return endpoint;
}

test('a client certificate is changed twice under load, and each of 600 deliveries and more arrives at once', async (context) => {
  await using authority = await createTestAuthority();
  const certificates = await Promise.all(names.map((name) => authority.issue(name)));
  const settings = certificates.map((certificate) => tlsSettings(authority, certificate));
  await using endpoint = await startTlsEndpoint(authority);
  await using tokens = await startTokenServer();
  await using stack = await startStack({ kafka: await sharedKafka(), partitions: 4 });
  const made = await createEndpoint(stack, { url: endpoint.url, auth: oauth2(tokens.url), tls: settings[0] });
  await using load = startLoad(stack, { tenants: ['acme'], eventsPerSecond, type: () => 'order.paid' });
  const seenOf = (name: string): number => endpoint.seen.filter(({ client }) => client === name).length;
  for (const [index, name] of names.entries()) {
    if (index > 0) {
      const { endpoints } = stack.rpc;
      await stack.rpc.call(endpoints, endpoints.updateEndpoint, {
        endpoint: Endpoint.fromPartial({ name: made.name, tls: settings[index] }),
        updateMask: ['tls'],
      });
    }
    await waitFor(() => seenOf(name) >= each, { what: `${each} deliveries with the ${name}`, timeoutMs: 60_000 });
  }
  const events = await load.stop();
  await waitFor(() => endpoint.seen.length >= events.length, { what: 'every delivery', timeoutMs: 30_000 });

  const attempts: Attempt[] = [];
  const everyAttempt = async (): Promise<boolean> => {
    attempts.length = 0;
    await stack.topicRecords('attempts', ({ value }) => attempts.push(Attempt.decode(value ?? Buffer.alloc(0))));
    return attempts.length >= events.length;
  };
  await waitFor(everyAttempt, { what: 'an attempt of every delivery', timeoutMs: 30_000 });
  const told = new Set(attempts.map(({ outcome, number, code }) => `${outcome} ${number} ${code}`));
  context.diagnostic(`${events.length} events; ${names.map((name) => `${name} ${seenOf(name)}`).join(', ')}`);
  assert.deepEqual([...told], ['OUTCOME_DELIVERED 1 ok']);
  assert.deepEqual([attempts.length, endpoint.seen.length], [events.length, events.length]);
  assert.equal(new Set(endpoint.seen.map(({ headers }) => headers['webhook-id'])).size, events.length);
  assert.ok(events.length >= names.length * each);

  const clients = endpoint.seen.map(({ client }) => client);
  assert.deepEqual([...new Set(clients)], [...names]);
  // A request that was under way ends over the certificate of before; a lane has 16 in flight at most.
  for (const [index, name] of names.slice(1).entries()) {
    const from = clients.indexOf(name);
    assert.ok(clients.lastIndexOf(names[index] ?? '') < from + 16, `the ${name} is used for what starts after it`);
  }
  assert.deepEqual([...new Set(endpoint.seen.map(({ tlsVersion }) => tlsVersion))], ['TLSv1.3']);
  assert.ok(endpoint.seen.every(({ headers }) => /^Bearer token-c4nary-\d$/.test(headers.authorization ?? '')));
  assert.equal(tokens.given(), names.length, 'a token serves until the endpoint is changed');
  await stack.topicRecords('dead-letters', () => assert.fail('a delivery was given up'));
  for (const { name, log } of [stack.controlPlane, stack.dispatcher])
    assert.ok(!log.includes('c4nary') && !log.includes('PRIVATE KEY'), `${name} has written a secret`);
});
