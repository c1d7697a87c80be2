/**
 * What the person on call types, from the command line over the control plane to the dispatcher that owns a partition and back,
 * over real sockets. Doubles: Kafka only. Observed: what is printed, exit codes, what endpoints receive.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { DeliveryStage } from '@postrider/contract/postrider/v1/delivery_service';
import { deliveryId, webhookId } from '@postrider/core';
import { startDispatcher } from '@postrider/dispatcher';
import { cli as runCli } from '../../packages/cli/src/test-context.ts';
import { ADMIN_KEY, failure, testConfig } from '../../services/control-plane/testing/harness.ts';
import { startPlaneAndDispatcher, type PlaneAndDispatcher } from '../support/plane-and-dispatcher.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Endpoint } from '@postrider/contract/postrider/v1/endpoint';

const delays = { $case: 'delays' as const, value: { delays: [{ seconds: 3_000n, nanos: 0 }] } };
const retryPolicy = { schedule: delays, jitter: 0, retrySpan: undefined };

let stack: PlaneAndDispatcher;
let received = 0;
let status = 200;
const server = createServer((request, response) => {
  request.resume();
  received += 1;
  response.writeHead(status).end();
});
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack = await startPlaneAndDispatcher();
});
after(async () => {
  await stack[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const cli = (...args: string[]) =>
  runCli([...args, '--server', `127.0.0.1:${stack.run.plane.port}`, '--api-key', ADMIN_KEY]);
const shortName = ({ name }: Endpoint): string => name.replace(/^tenants\/(.*)\/endpoints\//, '$1/');
const webhookOf = (event: number): string => webhookId('acme', '/test', `order-${event}`);
const idOf = (endpoint: Endpoint, event: number): string => deliveryId(webhookOf(event), endpoint.uid);

/** An endpoint that has failed once: its delivery waits for 50 minutes. */
async function withRetry(): Promise<{ endpoint: Endpoint; id: string; webhook: string }> {
  status = 500;
  const endpoint = await stack.createEndpoint(url(), { retryPolicy });
  const event = stack.deliver(endpoint);
  const id = idOf(endpoint, event);
  await waitFor(async () => (await cli('delivery', 'explain', shortName(endpoint), id)).out.startsWith('waiting:'), {
    what: 'the delivery waits',
  });
  status = 200;
  return { endpoint, id, webhook: webhookOf(event) };
}

test('backlog and explain are answered by the owner, in words and as data', async () => {
  const { endpoint, id } = await withRetry();
  const text = await cli('backlog', shortName(endpoint));
  assert.equal(text.exitCode, 0, text.err);
  assert.match(text.out, /1 wait, 0 are queued; 0 in flight\. 1 wait for the time of the next attempt/);
  const data = JSON.parse((await cli('backlog', shortName(endpoint), '--json')).out) as Record<string, unknown>;
  assert.deepEqual(
    [data['name'], data['waiting'], data['dispatcher']],
    [endpoint.name, '1', 'dispatchers/dispatcher-1'],
  );
  const told = await stack.run.deliveries.explainDelivery({ name: `${endpoint.name}/deliveries/${id}`, runId: '' });
  assert.deepEqual([told.stage, told.attempts, told.last?.status], [DeliveryStage.WAITING, 1, 500]);
});

test('a delivery is made due now, and then told to be delivered; another is skipped, and told to be cancelled and why', async () => {
  const first = await withRetry();
  const moved = await cli('delivery', 'now', shortName(first.endpoint), first.id);
  assert.equal(moved.exitCode, 0, moved.err);
  const explained = async ({ endpoint, id }: typeof first) =>
    (await cli('delivery', 'explain', shortName(endpoint), id)).out;
  await waitFor(async () => /^delivered: .*by attempt 2/.test(await explained(first)), { what: 'it is delivered' });
  const second = await withRetry();
  const skipped = await cli('delivery', 'skip', shortName(second.endpoint), second.id, '--reason', 'a broken event');
  assert.match(skipped.out, /^cancelled: /);
  await waitFor(async () => /^cancelled: .*requested \(.*a broken event\)/.test(await explained(second)), {
    what: 'its ending is found',
  });
  const again = await cli('delivery', 'skip', shortName(second.endpoint), second.id, '--reason', 'again');
  assert.equal(again.exitCode, 4);
});

test('a delivery is found by the webhook-id that its receiver has seen', async () => {
  const { endpoint, id, webhook } = await withRetry();
  const { out } = await cli('delivery', 'explain', shortName(endpoint), webhook, '--json');
  assert.ok((JSON.parse(out) as { name: string }).name.endsWith(`/deliveries/${id}`));
  const skipped = await cli('delivery', 'skip', shortName(endpoint), webhook, '--reason', 'asked for');
  assert.match(skipped.out, /^cancelled: /);
});

test('what was never there is told so, with where else to look', async () => {
  const endpoint = await stack.createEndpoint(url(), {});
  const { out, exitCode } = await cli('delivery', 'explain', shortName(endpoint), `dlv_${'0'.repeat(32)}`);
  assert.equal(exitCode, 4);
  assert.match(out, /^unknown: .*was not routed.*dead-letters list/);
  const name = `${endpoint.name}/deliveries/x/y`;
  assert.equal((await failure(stack.run.deliveries.explainDelivery({ name, runId: '' }))).code, 'INVALID_ARGUMENT');
  const good = `${endpoint.name}/deliveries/dlv_${'0'.repeat(32)}`;
  const long = await failure(stack.run.deliveries.explainDelivery({ name: good, runId: 'x'.repeat(129) }));
  assert.match(`${long.code} ${long.message}`, /INVALID_ARGUMENT.*run_id/);
});

test('an endpoint is paused and resumed; meanwhile nothing reaches it and everybody sees why', async () => {
  status = 200;
  const endpoint = await stack.createEndpoint(url(), {});
  const paused = await cli('pause', 'endpoint', shortName(endpoint), '--reason', 'the partner is down', '--for', '2h');
  assert.match(paused.out, /^Paused tenants\/acme\/endpoints\/.* until 2/);
  const listed = await cli('pause', 'list');
  assert.match(listed.out, /the partner is down/);
  const before = received;
  await waitFor(() => stack.dispatcher.view.snapshot().pause(`endpoints/${endpoint.uid}`), { what: 'it is known' });
  const id = idOf(endpoint, stack.deliver(endpoint));
  await waitFor(
    async () =>
      /is paused until .*the partner is down/.test((await cli('delivery', 'explain', shortName(endpoint), id)).out),
    { what: 'it waits' },
  );
  assert.equal(received, before);
  assert.match((await cli('resume', 'endpoint', shortName(endpoint))).out, /^Resumed/);
  await waitFor(() => received === before + 1, { what: 'it goes on' });
  assert.match((await cli('resume', 'endpoint', shortName(endpoint))).out, /was not paused/);
});

test('dispatchers are listed with what they say of themselves, drained when another is left, and undrained', async () => {
  const alone = await cli('dispatcher', 'drain', 'dispatcher-1', '--reason', 'its disk');
  assert.match(alone.err, /FAILED_PRECONDITION.*only one/);
  const { run } = stack;
  const kafka = run.kafka.connect('dispatcher-2');
  const config = { topicPrefix: 'postrider.', sessionTimeoutMs: 6_000, contactUrl: '', keys: testConfig().keys };
  const policy = { allowHttp: true, allowLoopback: true, allowCidrs: [] };
  const questions = { host: '127.0.0.1', port: 0, address: '' };
  await using second = await startDispatcher(
    { ...config, ...policy, processId: 'dispatcher-2', questions },
    { kafka, clock: kafka.clock, log: run.log },
    new AbortController().signal,
  );
  const list = () => run.dispatchers.listDispatchers({});
  const owns = async (): Promise<string> =>
    (await list()).dispatchers.map(({ name, partitions }) => `${name.slice(12)} ${partitions.length}`).join();
  await waitFor(async () => (await owns()) === 'dispatcher-1 2,dispatcher-2 2', {
    what: 'both own',
    timeoutMs: 30_000,
  });
  assert.match((await cli('dispatcher', 'list')).out, /dispatcher-1 +2 +\d+ +0 +ok/);
  assert.equal((await cli('dispatcher', 'drain', 'dispatcher-1', '--reason', 'its disk')).exitCode, 0);
  await waitFor(async () => (await owns()) === 'dispatcher-1 0,dispatcher-2 4', {
    what: 'one owns',
    timeoutMs: 30_000,
  });
  const [drained] = (await list()).dispatchers;
  assert.deepEqual([drained?.drain?.reason, drained?.problem, drained?.member], ['its disk', '', false]);
  assert.equal((await cli('dispatcher', 'undrain', 'dispatcher-1')).exitCode, 0);
  await waitFor(async () => (await owns()) === 'dispatcher-1 2,dispatcher-2 2', {
    what: 'both own',
    timeoutMs: 30_000,
  });
  assert.equal(second.ready().ok, true);
  assert.equal((await cli('dispatcher', 'drain', 'nobody', '--reason', 'x')).exitCode, 4);
});

test('the doctor finds what is not as it should be, and nothing of what is', async () => {
  await waitFor(async () => (await stack.run.dispatchers.listDispatchers({})).dispatchers[0]?.partitions.length === 4, {
    what: 'the one that is left owns all',
  });
  await cli('pause', 'tenant', 'acme', '--reason', 'a flood');
  const args = ['doctor', '--json', '--server', `127.0.0.1:${stack.run.plane.port}`, '--api-key', ADMIN_KEY];
  const doctor = await runCli([...args, '--brokers', 'fake:9092'], { kafka: () => stack.run.kafka.connect() });
  const { findings } = JSON.parse(doctor.out) as { findings: { code: string; what: string }[] };
  const told = findings.filter(({ code }) => code !== 'breakers-open');
  assert.deepEqual(
    told.map(({ code }) => code),
    ['no-router', 'paused'],
    doctor.out,
  );
  assert.match(told[1]?.what ?? '', /tenants\/acme is paused.*a flood/);
  assert.equal(doctor.exitCode, 1);
  await cli('resume', 'tenant', 'acme');
});

test('an owner that cannot be asked is UNAVAILABLE with the reason', async () => {
  const endpoint = await stack.createEndpoint(url(), {});
  const { run, dispatcher } = stack;
  await dispatcher[Symbol.asyncDispose]();
  const { code, message } = await failure(run.deliveries.getEndpointBacklog({ name: endpoint.name }));
  assert.equal(code, 'UNAVAILABLE');
  assert.match(message, /has no owner at this moment/);
});
