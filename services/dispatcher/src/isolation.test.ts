/** What one endpoint or one ill-timed end may cost others, on the fake Kafka. Observed: what endpoints received, and topics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PendingPolicy, EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { BodyEncryption, Outcome } from '@postrider/contract/postrider/v1/delivery';
import { createHarness, responded, type Harness } from '../testing/harness.ts';

const large = 'x'.repeat(256 * 1_024);

test('large bodies that wait for one endpoint stop no other, however many there are', async () => {
  const h = createHarness();
  h.config.endpoint('held');
  h.config.endpoint('shop');
  h.endpointsAnswer(({ path }) => (path === '/held' ? responded(429, ['retry-after', '3600']) : 200));
  h.deliver('first', 'held');
  const dispatcher = await h.start('a');
  await h.until(() => h.attempts().length === 1, 'the endpoint has asked for an hour');
  for (let i = 0; i < 450; i += 1) h.deliver(`large-${i}`, 'held', { body: large });
  await h.clock.advance(3_000);
  h.deliver('order-1', 'shop');
  await h.until(() => h.received('order-1').length === 1, 'the other is served', 10_000);
  await h.stop(dispatcher);
});

test('many endpoints that each hold a little stop no other either', async () => {
  const h = createHarness();
  const count = 30;
  h.endpointsAnswer(({ path }) => (path === '/shop' ? 200 : responded(429, ['retry-after', '3600'])));
  for (let i = 0; i < count; i += 1) h.config.endpoint(`held${i}`);
  h.config.endpoint('shop');
  for (let i = 0; i < count; i += 1) h.deliver(`first-${i}`, `held${i}`);
  const dispatcher = await h.start('a');
  await h.until(() => h.attempts().length === count, 'all have asked for an hour');
  for (let i = 0; i < 450; i += 1) h.deliver(`large-${i}`, `held${i % count}`, { body: large });
  await h.clock.advance(3_000);
  h.deliver('order-1', 'shop');
  await h.until(() => h.received('order-1').length === 1, 'the other is served', 10_000);
  await h.stop(dispatcher);
});

/** Sends to endpoints that are well, five times a second each; none may wait. */
async function serveBeside(h: Harness, seconds: number, ofEverySecond: (second: number) => void): Promise<void> {
  const sent = new Map<string, number>();
  const from = h.receipts.length;
  for (let tick = 0; tick < 5 * seconds; tick += 1) {
    if (tick % 5 === 0) ofEverySecond(tick / 5);
    for (let i = 0; i < well; i += 1) {
      const event = `well-${from}-${tick}-${i}`;
      sent.set(h.deliver(event, `well${i}`), h.clock.now());
    }
    await h.clock.advance(200);
  }
  const arrived = h.receipts.slice(from).filter(({ path }) => path.startsWith('/well'));
  const late = arrived.filter(({ webhookId, at }) => at - (sent.get(webhookId) ?? 0) > 100);
  assert.deepEqual([arrived.length, late.length], [sent.size, 0]);
}

const well = 4;

test('endpoints that never answered and hang do not fill the pod, however many there are', async () => {
  const h = createHarness();
  for (let i = 0; i < well; i += 1) h.config.endpoint(`well${i}`);
  for (let i = 0; i < 200; i += 1) h.config.endpoint(`hang${i}`);
  h.endpointsAnswer(({ path }) => (path.startsWith('/hang') ? 'hang' : 200));
  const dispatcher = await h.start('a', { inFlightMax: 40 });
  await serveBeside(h, 2, () => undefined);
  await serveBeside(h, 40, (second) => {
    if (second < 20) for (let i = 0; i < 10; i += 1) h.deliver(`lost-${second}-${i}`, `hang${10 * second + i}`);
  });
  await h.stop(dispatcher);
});

test('a host that stops answering does not fill the pod, however many endpoints it has', async () => {
  const h = createHarness();
  for (let i = 0; i < well; i += 1) h.config.endpoint(`well${i}`);
  const hosted = (i: number): string => `hosted${i % 200}`;
  for (let i = 0; i < 200; i += 1) h.config.endpoint(hosted(i), { url: `https://platform.example.com/${hosted(i)}` });
  let down = false;
  h.endpointsAnswer(({ path }) => (down && path.startsWith('/hosted') ? 'hang' : 200));
  const dispatcher = await h.start('a', { inFlightMax: 60 });
  await serveBeside(h, 10, (second) => {
    for (let i = 0; i < 20; i += 1) h.deliver(`before-${second}-${i}`, hosted(20 * second + i));
  });
  down = true;
  await serveBeside(h, 40, (second) => {
    if (second < 20) for (let i = 0; i < 20; i += 1) h.deliver(`lost-${second}-${i}`, hosted(20 * second + i));
  });
  await h.stop(dispatcher);
});

test('who waited as one of a host that answered nobody goes on soon after it answers, whoever else hangs', async () => {
  const h = createHarness();
  const of = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}${i}`);
  const [hanging, slow] = [of('hanging', 41), of('slow', 17)];
  for (const id of [...hanging, ...slow])
    h.config.endpoint(id, { url: `https://${id.replace(/\d+/, '')}.example.com/${id}` });
  let begun = false;
  const slowly = { afterMs: 600, status: 200 };
  h.endpointsAnswer(({ path }) => (!begun ? 200 : path.startsWith('/hanging') ? 'hang' : slowly));
  const dispatcher = await h.start('a', { inFlightMax: 100 });
  const sendTo = (ids: readonly string[]): void => {
    for (const id of ids) h.deliver(`${begun}-${id}`, id);
  };
  sendTo([...hanging, ...slow]);
  await h.until(() => h.attempts().length === 58, 'all are known to answer');
  begun = true;
  sendTo(hanging.slice(0, 16));
  await h.clock.advance(300);
  // As much as those may have that keep requests waiting.
  sendTo(hanging.slice(16));
  sendTo(slow.slice(0, 16));
  await h.clock.advance(300);
  sendTo(slow.slice(16));
  await h.until(() => h.received('true-slow16').length === 1, 'the last of them is sent', 1_500);
  await h.stop(dispatcher);
});

test('what falls due or is cancelled while a partition is being released is left to its next owner', async () => {
  const h = createHarness();
  h.config.endpoint('off', { state: EndpointState.DISABLED, pending: PendingPolicy.KEEP });
  h.config.endpoint('gone', { state: EndpointState.DISABLED, pending: PendingPolicy.KEEP });
  const a = await h.start('a');
  h.deliver('waits', 'off', { expiresAt: new Date(h.clock.now() + 20_000) });
  h.deliver('cancelled', 'gone');
  await h.until(() => h.watermark() === 2, 'both wait');
  const mend = h.kafka.onProduce(({ topic }) =>
    /ownership|dead-letters|attempts/.test(topic) ? { kind: 'delay-answer', ms: 15_000 } : undefined,
  );
  await h.clock.advance(10_000);
  let stopped = false;
  const stopping = a[Symbol.asyncDispose]().then(() => (stopped = true));
  await h.clock.advance(1_000);
  h.config.deleteEndpoint('gone');
  await h.until(() => stopped, 'stopped');
  await stopping;
  mend();
  const b = await h.start('b');
  await h.until(() => h.allRows().length === 0, 'nothing waits any more');
  assert.equal(h.deadLetters().length, 1);
  assert.equal(h.attempts().length, 1);
  await h.stop(b);
});

test('a body that this version cannot decrypt is never sent', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.deliver('order-1', 'shop', { bodyEncryption: BodyEncryption.fromPartial({}) });
  const dispatcher = await h.start('a');
  await h.until(() => h.attempts().length === 1, 'an attempt');
  assert.equal(h.receipts.length, 0);
  assert.equal(h.attempts()[0]?.outcome, Outcome.INTERNAL_ERROR);
  assert.equal(h.attempts()[0]?.code, 'body_encrypted');
  await h.stop(dispatcher);
});
