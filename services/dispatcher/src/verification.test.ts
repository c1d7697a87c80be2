/** Endpoints that owe a proof that they want events, on the fake Kafka. Observed: receipts, requests, and topics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeliveryKind } from '@postrider/contract/postrider/v1/delivery';
import { EndpointState, VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import { challengeBody } from '@postrider/core';
import { createFakeDoneStore } from '../testing/fake-done-store.ts';
import { createHarness, responded, type Harness } from '../testing/harness.ts';
import type { Send, SendRequest } from './dispatch-delivery.ts';

const owes = { state: EndpointState.PENDING_VERIFICATION, verification: VerificationMode.CHALLENGE };
const ask = (h: Harness, event: string) =>
  h.deliver(event, 'shop', { kind: DeliveryKind.VERIFICATION, body: challengeBody('c').toString() });
const echo = { ...responded(200), excerpt: Buffer.from('c') };

test('events for an endpoint that owes a proof wait, looked at ever more seldom, and arrive once it has proved', async () => {
  const h = createHarness();
  h.config.endpoint('shop', owes);
  const dispatcher = await h.start('a');
  const event = h.deliver('event', 'shop');
  await h.until(() => h.watermark() === 1, 'it waits');
  await h.clock.advance(3_600_000);
  assert.equal(h.receipts.length, 0);
  const writes = h.allRows().map(({ version }) => Number(version.n));
  assert.ok(writes.length === 1 && writes.every((n) => n <= 15), `${writes.join()} writes in an hour`);
  h.endpointsAnswer(({ webhookId }) => (webhookId === event ? 200 : echo));
  ask(h, 'proof');
  await h.until(() => h.operations().length === 1, 'the proof is told');
  assert.equal(h.operations()[0]?.type, 'postrider.endpoint.verified');
  assert.equal(h.received('event').length, 0);
  h.config.endpoint('shop');
  await h.until(() => h.received('event').length === 1, 'the event arrives', 7_200_000);
  await h.stop(dispatcher);
});

test('an answer of 410 holds the verification until the configuration is newer, and is told once', async () => {
  const h = createHarness();
  h.config.endpoint('shop', owes);
  h.endpointsAnswer(() => 410);
  const dispatcher = await h.start('a');
  ask(h, 'proof');
  await h.until(() => h.operations().length === 1, 'it is told');
  await h.clock.advance(3_600_000);
  assert.equal(h.receipts.length, 1);
  assert.deepEqual(
    h.operations().map(({ type }) => type),
    ['postrider.endpoint.gone'],
  );
  h.endpointsAnswer(() => echo);
  h.config.endpoint('shop', owes);
  await h.until(() => h.operations().length === 2, 'asked again by the next configuration');
  assert.equal(h.operations()[1]?.type, 'postrider.endpoint.verified');
  await h.stop(dispatcher);
});

test('the handshake has no body, signature or delivery headers; the challenge is a signed POST', async () => {
  const h = createHarness();
  const requests: SendRequest[] = [];
  h.config.endpoint('shop', owes);
  h.endpointsAnswer(() => echo);
  const wrapSend =
    (send: Send): Send =>
    (request, done) => {
      requests.push(request);
      send(request, done);
    };
  const contactUrl = 'https://sender.example.com/about';
  const dispatcher = await h.start('a', { contactUrl }, { wrapSend });
  ask(h, 'challenge');
  await h.until(() => h.operations().length === 1, 'the challenge is answered');
  h.config.endpoint('shop', { ...owes, verification: VerificationMode.CLOUDEVENTS });
  h.endpointsAnswer(() => responded(204, ['WebHook-Allowed-Origin', '*', 'WebHook-Allowed-Rate', '60']));
  ask(h, 'handshake');
  await h.until(() => h.operations().length === 2, 'the handshake is answered');
  const [challenge, handshake] = requests;
  assert.deepEqual([challenge?.method, challenge?.headers.includes('webhook-signature')], ['POST', true]);
  assert.deepEqual([handshake?.method, handshake?.body.length], ['OPTIONS', 0]);
  const names = handshake?.headers.filter((_, index) => index % 2 === 0);
  assert.deepEqual(names, ['user-agent', 'accept', 'accept-encoding', 'webhook-request-origin']);
  assert.ok(handshake?.headers.includes('sender.example.com'));
  assert.deepEqual(
    h.operations().map(({ data }) => data['allowedPerMinute']),
    [null, 60],
  );
  await h.stop(dispatcher);
});

test('a verification that nobody needs any more is cancelled and not sent', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  const dispatcher = await h.start('a');
  ask(h, 'late');
  await h.until(() => h.attempts().length === 1, 'it has ended');
  assert.equal(h.attempts()[0]?.decision?.decision?.$case, 'cancelled');
  assert.equal(h.receipts.length, 0);
  await h.stop(dispatcher);
});

test('a tenant does not choose how often a stranger is asked', async () => {
  const h = createHarness();
  const delays = Array.from({ length: 100 }, () => ({ seconds: 0n, nanos: 0 }));
  h.config.endpoint('shop', { ...owes, retryPolicy: { schedule: { $case: 'delays', value: { delays } } } });
  h.endpointsAnswer(() => 404);
  const dispatcher = await h.start('a');
  ask(h, 'proof');
  await h.until(() => h.receipts.length === 2, 'it is asked again');
  await h.clock.advance(3_600_000);
  assert.ok(h.receipts.length < 10, `asked ${h.receipts.length} times in an hour`);
  await h.stop(dispatcher);
});

test('a proof is not remembered outside the process: lost with its owner before it was told, it is asked for again', async () => {
  const h = createHarness();
  h.config.endpoint('shop', owes);
  h.config.endpoint('other');
  h.endpointsAnswer(({ path }) => (path === '/shop' ? echo : 200));
  const doneStore = createFakeDoneStore(h.clock);
  const dispatcher = await h.start('a', {}, { doneStore });
  ask(h, 'proof');
  h.deliver('event', 'other');
  await h.until(() => h.attempts().length === 2, 'both have ended');
  await h.until(() => doneStore.calls.length > 0, 'what was taken is noted');
  assert.equal(doneStore.calls.filter(({ call }) => call === 'add').flatMap(({ keys }) => keys).length, 1);
  await h.stop(dispatcher);
});

test('a verification that expires before it could be asked is told as failed', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ...owes, state: EndpointState.DISABLED });
  const dispatcher = await h.start('a');
  h.deliver('proof', 'shop', { kind: DeliveryKind.VERIFICATION, expiresAt: new Date(h.clock.now() + 60_000) });
  await h.until(() => h.watermark() === 1, 'it waits');
  h.config.endpoint('shop', owes);
  h.config.endpoint('shop', { ...owes, state: EndpointState.DISABLED });
  await h.until(() => h.deadLetters().length === 1, 'it has expired', 86_400_000);
  const told = h.operations().map(({ type, data }) => `${type} ${String(data['reason'])}`);
  assert.deepEqual(told, ['postrider.endpoint.verification_failed DEAD_REASON_EXPIRED']);
  await h.stop(dispatcher);
});
