import assert from 'node:assert/strict';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { partitionOf } from '@postrider/core';
import { startDispatcher, type Dispatcher } from '@postrider/dispatcher';
import { deliveryRecord } from '@postrider/dispatcher/testing';
import { startTestPlane, testConfig, type Running } from '../../services/control-plane/testing/harness.ts';
import { waitFor } from './wait-for.ts';

/** A control plane and a dispatcher that share an in-memory Kafka and send over real sockets of loopback, in real time. */
export interface PlaneAndDispatcher extends AsyncDisposable {
  readonly run: Running;
  readonly dispatcher: Dispatcher;
  /** Creates an endpoint of the tenant `acme`; resolves once the dispatcher knows it. */
  createEndpoint(url: string, fields: Partial<Endpoint>): Promise<Endpoint>;
  /** Writes an event for the endpoint, as a router does; its number. */
  deliver(endpoint: Endpoint): number;
  attemptsOf(endpoint: Endpoint): Attempt[];
}

const laptop = { allowHttp: true, allowLoopback: true, allowCidrs: [] };

export async function startPlaneAndDispatcher(contactUrl = ''): Promise<PlaneAndDispatcher> {
  await using stack = new AsyncDisposableStack();
  const run = stack.use(await startTestPlane(laptop));
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const kafka = run.kafka.connect('dispatcher-1');
  const dispatcher = stack.use(
    await startDispatcher(
      {
        ...{ processId: 'dispatcher-1', topicPrefix: 'postrider.', sessionTimeoutMs: 6_000, contactUrl },
        ...{ keys: testConfig().keys, ...laptop, questions: { host: '127.0.0.1', port: 0, address: '' } },
      },
      { kafka, clock: kafka.clock, log: run.log },
      new AbortController().signal,
    ),
  );
  const owned = stack.move();
  let events = 0;
  return {
    run,
    dispatcher,
    async createEndpoint(url, fields) {
      const endpoint = { ...Endpoint.fromPartial({ url }), ...fields };
      const request = { parent: 'tenants/acme', endpointId: '', requestId: '', endpoint };
      const made = await run.endpoints.createEndpoint(request);
      await waitFor(() => dispatcher.view.reached(made.revision), { what: 'the dispatcher knows the endpoint' });
      return made;
    },
    deliver({ uid, revision }) {
      const event = `order-${++events}`;
      const routed = { endpointRevision: revision };
      const made = deliveryRecord(event, uid.slice(3), Date.now(), `{"n":${events}}`, routed);
      const { key, value, headers } = made;
      const partition = partitionOf(uid, testConfig().partitions);
      run.kafka.append('postrider.deliveries', partition, { key, value, headers });
      return events;
    },
    attemptsOf: ({ uid }) =>
      run.kafka
        .records('postrider.attempts')
        .map(({ value }) => Attempt.decode(value ?? assert.fail()))
        .filter(({ endpointId }) => endpointId === uid),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
