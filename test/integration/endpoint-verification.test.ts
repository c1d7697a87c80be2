/**
 * A control plane and a dispatcher over real sockets to endpoints that are asked whether they want events. Doubles: Kafka
 * only. Observed: what the endpoints were sent, what the API tells, attempts and operational events.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { Endpoint, EndpointLimits } from '@postrider/contract/postrider/v1/endpoint';
import { header } from '@postrider/kafka';
import { Webhook } from 'standardwebhooks';
import { startPlaneAndDispatcher, type PlaneAndDispatcher } from '../support/plane-and-dispatcher.ts';
import { waitFor } from '../support/wait-for.ts';

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

let stack: PlaneAndDispatcher;
before(async () => {
  stack = await startPlaneAndDispatcher('https://hooks.postrider.example/about');
});
after(() => stack[Symbol.asyncDispose]());

async function startEndpoint(first: (received: Received) => Answer) {
  const received: Received[] = [];
  let answer = first;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const one = { method, path, headers, body };
      received.push(one);
      const { status = 200, headers: sent = {}, body: text = '' } = answer(one);
      response.writeHead(status, sent).end(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers: (next: typeof first) => void (answer = next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const consents =
  (rate: string) =>
  ({ method }: Received): Answer =>
    method === 'OPTIONS'
      ? { headers: { 'WebHook-Allowed-Origin': 'hooks.postrider.example', 'WebHook-Allowed-Rate': rate } }
      : {};
const answers = ({ body }: Received): Answer => ({ body: (JSON.parse(body) as { challenge: string }).challenge });
const echoes = ({ body }: Received): Answer => ({ body });
const oneAttempt = { schedule: { $case: 'delays' as const, value: { delays: [] } }, jitter: 0, retrySpan: undefined };
const read = ({ name }: Endpoint): Promise<Endpoint> => stack.run.endpoints.getEndpoint({ name });
async function isEnabled(endpoint: Endpoint): Promise<Endpoint> {
  const enabled = async () => (await read(endpoint)).state === 'ENDPOINT_STATE_ENABLED';
  await waitFor(enabled, { what: 'the endpoint is enabled' });
  return read(endpoint);
}
const told = ({ uid }: Endpoint): (string | undefined)[] =>
  stack.run.kafka
    .records('postrider.operations')
    .filter(({ key }) => key?.toString() === uid)
    .map((record) => header(record, 'ce_type')?.toString());

test('the OPTIONS handshake: no event before consent, and the allowed rate becomes the endpoint’s', async () => {
  await using endpoint = await startEndpoint(consents('120'));
  const limits = EndpointLimits.fromPartial({ rateCount: 10 });
  const url = `${endpoint.url}/in?a=1`;
  const made = await stack.createEndpoint(url, { verification: 'VERIFICATION_MODE_CLOUDEVENTS', limits });
  assert.equal(made.state, 'ENDPOINT_STATE_PENDING_VERIFICATION');
  stack.deliver(made);
  const enabled = await isEnabled(made);
  assert.deepEqual([enabled.limits?.rateCount, enabled.limits?.ratePeriod?.seconds], [120, 60n]);
  assert.ok(enabled.enableTime !== undefined);
  await waitFor(() => endpoint.received.length === 2, { what: 'the event that waited has arrived' });
  const [handshake, event] = endpoint.received;
  assert.deepEqual([handshake?.method, handshake?.path, handshake?.body], ['OPTIONS', '/in?a=1', '']);
  assert.equal(handshake?.headers['webhook-request-origin'], 'hooks.postrider.example');
  assert.equal(handshake?.headers['webhook-request-rate'], '600');
  assert.equal(handshake?.headers['webhook-signature'], undefined);
  assert.deepEqual([event?.method, event?.headers['postrider-event-type']], ['POST', 'order.paid']);
  await waitFor(() => stack.attemptsOf(made).length === 2, { what: 'both attempts are written' });
  assert.deepEqual(told(made), ['postrider.endpoint.verified']);
  const faster = EndpointLimits.fromPartial({ rateCount: 100 });
  const asked = await stack.run.endpoints.updateEndpoint({
    endpoint: { ...Endpoint.fromPartial({ name: made.name }), limits: faster },
    updateMask: ['limits'],
  });
  assert.equal(asked.state, 'ENDPOINT_STATE_PENDING_VERIFICATION', 'a higher rate is asked for anew');
  assert.equal((await isEnabled(made)).limits?.rateCount, 120);
});

test('who does not consent stays pending until asked again and willing; what waited then arrives', async () => {
  await using endpoint = await startEndpoint(() => ({ status: 200 }));
  const verification = 'VERIFICATION_MODE_CLOUDEVENTS';
  const made = await stack.createEndpoint(endpoint.url, { verification, retryPolicy: oneAttempt });
  await waitFor(() => told(made).length === 1, { what: 'the failure is told' });
  assert.deepEqual(told(made), ['postrider.endpoint.verification_failed']);
  const [attempt] = stack.attemptsOf(made);
  assert.deepEqual([attempt?.outcome, attempt?.code], ['OUTCOME_REJECTED', 'verification_refused']);
  const event = stack.deliver(made);
  assert.equal((await read(made)).state, 'ENDPOINT_STATE_PENDING_VERIFICATION');
  endpoint.answers(consents('*'));
  const again = await stack.run.endpoints.enableEndpoint({ name: made.name, etag: '' });
  assert.equal(again.state, 'ENDPOINT_STATE_PENDING_VERIFICATION');
  const enabled = await isEnabled(made);
  assert.equal(enabled.limits?.rateCount ?? 0, 0);
  await waitFor(() => endpoint.received.some(({ method }) => method === 'POST'), { what: 'the event has arrived' });
  assert.deepEqual(
    endpoint.received.map(({ method, body }) => `${method} ${body}`),
    ['OPTIONS ', 'OPTIONS ', `POST {"n":${event}}`],
  );
});

test('a challenge is signed and must be answered; another URL is challenged anew, and a label is not', async () => {
  await using endpoint = await startEndpoint(answers);
  await using other = await startEndpoint(echoes);
  const made = await stack.createEndpoint(endpoint.url, { verification: 'VERIFICATION_MODE_CHALLENGE' });
  const secret = made.signingSecret;
  await isEnabled(made);
  const [challenge] = endpoint.received;
  assert.equal(challenge?.method, 'POST');
  const verified = new Webhook(secret).verify(challenge?.body ?? '', challenge?.headers as Record<string, string>);
  assert.match((verified as { challenge: string }).challenge, /^[\w-]{32}$/);
  assert.equal(challenge?.headers['postrider-event-type'], 'postrider.endpoint.verification');
  const { name } = made;
  const update = (fields: Partial<Endpoint>, updateMask: string[]) =>
    stack.run.endpoints.updateEndpoint({ endpoint: { ...Endpoint.fromPartial({ name }), ...fields }, updateMask });
  assert.equal((await update({ labels: { a: 'b' } }, ['labels'])).state, 'ENDPOINT_STATE_ENABLED');
  const moved = await update({ url: other.url, retryPolicy: oneAttempt }, ['url', 'retry_policy']);
  assert.equal(moved.state, 'ENDPOINT_STATE_PENDING_VERIFICATION');
  await waitFor(() => told(made).includes('postrider.endpoint.verification_failed'), {
    what: 'what sends back what it is sent has not answered',
  });
  assert.deepEqual([endpoint.received.length, other.received.length], [1, 1]);
  const unasked = await update({ verification: 'VERIFICATION_MODE_NONE' }, ['verification']);
  assert.equal(unasked.state, 'ENDPOINT_STATE_ENABLED', 'nothing is asked of it any more');
});

test('disabled before it has proved anything, it is asked when it is enabled', async () => {
  await using endpoint = await startEndpoint(() => ({ status: 503 }));
  const made = await stack.createEndpoint(endpoint.url, { verification: 'VERIFICATION_MODE_CHALLENGE' });
  await waitFor(() => endpoint.received.length > 0, { what: 'it was asked' });
  const { name } = made;
  const disabled = await stack.run.endpoints.disableEndpoint({ name, pending: 'PENDING_POLICY_KEEP', etag: '' });
  assert.equal(disabled.state, 'ENDPOINT_STATE_DISABLED');
  endpoint.answers(answers);
  const asked = await stack.run.endpoints.enableEndpoint({ name, etag: '' });
  assert.equal(asked.state, 'ENDPOINT_STATE_PENDING_VERIFICATION');
  await isEnabled(made);
});
