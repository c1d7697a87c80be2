/**
 * Control plane, router and dispatcher, and an endpoint over a real socket. Doubles: Kafka only. Observed: what the endpoint is
 * sent, what stands on the topics.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { EventValidation, PublishedEvent } from '@postrider/contract/postrider/v1/event_service';
import { Subscription } from '@postrider/contract/postrider/v1/subscription';
import { startRouter } from '@postrider/router';
import { readRouterConfig } from '@postrider/router/config';
import { startPlaneAndDispatcher } from '../support/plane-and-dispatcher.ts';
import { waitFor } from '../support/wait-for.ts';

test('an event that is published twice with one id is delivered once, and tells its webhook-id beforehand', async () => {
  const received: { readonly id: string; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push({ id: String(request.headers['webhook-id']), body });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using stack = await startPlaneAndDispatcher();
  const { run } = stack;
  const port = run.kafka.connect('router-1');
  const { service } = readRouterConfig({ POSTRIDER_KAFKA_BROKERS: 'none:9092' });
  const deps = { kafka: port, clock: port.clock, log: run.log };
  await using _router = await startRouter(service, deps, new AbortController().signal);
  const endpoint = await stack.createEndpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {});
  const subscription = Subscription.fromPartial({ eventTypes: ['invoice.paid'] });
  const request = { parent: endpoint.name, subscriptionId: '', subscription, requestId: '' };
  await run.subscriptions.createSubscription(request);

  const publish = async (id: string): Promise<string> => {
    const data = Buffer.from(`{"id": "${id}"}`);
    const event = PublishedEvent.fromPartial({ id, source: '/billing', type: 'invoice.paid', data });
    const all = { parent: 'tenants/acme', events: [event], validation: EventValidation.NONE };
    const { results } = await run.events.publishEvents(all);
    assert.equal(results[0]?.error, undefined);
    return results[0]?.webhookId ?? '';
  };
  // What was subscribed to may not have reached the router when the first event does: that one is looked for here.
  await waitFor(async () => received.length > 0 || !(await publish(`until-${Date.now()}`)), {
    what: 'a first delivery',
  });
  const first = await publish('paid-7');
  assert.equal(await publish('paid-7'), first);
  const last = await publish('last');
  await waitFor(() => received.some(({ id }) => id === last), { what: 'the delivery of the last event' });
  const delivered = received.filter(({ id }) => id === first);
  assert.deepEqual(delivered, [{ id: first, body: '{"id": "paid-7"}' }]);
  const written = run.kafka.records('postrider.events').filter(({ headers }) => String(headers['ce_id']) === 'paid-7');
  assert.equal(written.length, 2);
  server.close();
});
