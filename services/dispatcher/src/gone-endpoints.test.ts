/** An endpoint that answers 410, on the fake Kafka. Observed: what endpoints received, and topics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { Outcome, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { EndpointState, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { createHarness, type Harness } from '../testing/harness.ts';

const aWhile = 600_000;

/** A dispatcher whose one endpoint has answered 410 to the first of three deliveries. */
async function answeredGone(process = 'a', fields: Parameters<Harness['config']['endpoint']>[1] = {}) {
  const h = createHarness();
  h.config.endpoint('shop', { limits: { concurrencyMax: 1 }, ...fields });
  h.config.endpoint('other');
  h.endpointsAnswer(({ path }, earlier) => (path === '/shop' && earlier === 0 ? 410 : 200));
  const expiresAt = new Date(h.clock.now() + 3_600_000);
  for (const event of ['order-1', 'order-2', 'order-3']) h.deliver(event, 'shop', { expiresAt });
  const dispatcher = await h.start(process);
  await h.until(() => h.watermark() === 3 && h.operations().length === 1, 'all wait or have ended, and it is told');
  return { h, dispatcher };
}

const requests = (h: Harness) => h.receipts.filter(({ path }) => path === '/shop').length;

test('410 holds the endpoint at once: what is pending and what arrives waits, others go on, and it is told once', async () => {
  const { h, dispatcher } = await answeredGone();
  h.deliver('order-4', 'shop');
  h.deliver('order-5', 'other');
  await h.until(() => h.watermark() === 5, 'the new ones wait or have ended');
  await h.clock.advance(aWhile);
  assert.equal(requests(h), 1);
  assert.equal(h.received('order-5').length, 1);
  const waiting = h.rows('retry.14d');
  assert.deepEqual(
    waiting.map(({ delivery }) => [delivery.waitReason, delivery.dueAt]),
    waiting.map(() => [WaitReason.DISABLED, undefined]),
  );
  assert.deepEqual(
    waiting.map(({ delivery }) => delivery.attempt).toSorted((a, b) => a - b),
    [0, 0, 0, 1],
  );
  const [event, ...more] = h.operations();
  assert.deepEqual(more, []);
  assert.equal(event?.type, 'postrider.endpoint.gone');
  const { endpointId, endpointRevision, attempt } = event?.data ?? {};
  assert.deepEqual([endpointId, endpointRevision, attempt], ['ep_shop', '3', 1]);
  const [first] = h.attempts();
  assert.equal(first?.outcome, Outcome.GONE);
  assert.deepEqual(first?.decision?.decision?.$case, 'retry');
  await h.stop(dispatcher);
});

test('once its configuration is newer everything that waits is sent, the attempt that was answered 410 counted', async () => {
  const { h, dispatcher } = await answeredGone();
  h.endpointsAnswer(() => 200);
  h.config.endpoint('shop');
  await h.until(() => h.allRows().length === 0, 'nothing waits');
  for (const event of ['order-2', 'order-3']) assert.equal(h.received(event).length, 1);
  assert.deepEqual(
    h.received('order-1').map(({ attempt }) => attempt),
    [1, 2],
  );
  await h.stop(dispatcher);
});

test('disabled without keeping, what waited is cancelled; disabled with keeping it waits on', async () => {
  const { h, dispatcher } = await answeredGone();
  h.config.endpoint('shop', { state: EndpointState.DISABLED, pending: PendingPolicy.KEEP });
  await h.clock.advance(60_000);
  assert.equal(h.allRows().length, 3);
  h.config.endpoint('shop', { state: EndpointState.DISABLED, pending: PendingPolicy.CANCEL });
  await h.until(() => h.allRows().length === 0, 'nothing waits');
  assert.equal(requests(h), 1);
  assert.equal(h.attempts().filter(({ outcome }) => outcome === Outcome.CANCELLED).length, 3);
  await h.stop(dispatcher);
});

for (const how of ['killed', 'stopped'] as const) {
  test(`the hold outlives its owner that was ${how}: the next one sends nothing, and tells nothing new`, async () => {
    const { h, dispatcher } = await answeredGone();
    await h.clock.advance(2_000);
    if (how === 'killed') dispatcher.port.kill();
    else await h.stop(dispatcher);
    // Reading what arrived comes before the long tier is loaded: only the progress can know of the hold by then.
    h.deliver('order-4', 'shop');
    const next = await h.start('b');
    await h.until(() => h.watermark() === 4, 'the new one waits');
    await h.clock.advance(aWhile);
    assert.equal(requests(h), 1);
    assert.equal(h.allRows().length, 4);
    assert.equal(new Set(h.operations().map(({ id }) => id)).size, 1);
    assert.equal(h.operations().length, 1);
    await h.stop(next);
  });
}

test('a crash before it was told: the next owner learns of it from the waiting row, and tells', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.endpointsAnswer(() => 410);
  const mend = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.operations' ? { kind: 'lose-request' } : undefined,
  );
  h.deliver('order-1', 'shop', { expiresAt: new Date(h.clock.now() + 30_000) });
  h.deliver('order-2', 'shop');
  const a = await h.start('a');
  // The second one's row may stand before the event, which belongs to the first.
  await h.until(() => h.allRows().length === 1, 'a row that tells of the hold');
  a.port.kill();
  mend();
  // The first one is not asked again, so that nothing but the row can tell.
  await h.clock.advance(60_000);
  const b = await h.start('b');
  await h.until(() => h.operations().length > 0, 'it is told');
  assert.equal(new Set(h.operations().map(({ id }) => id)).size, 1);
  await h.until(() => h.watermark() === 2, 'one waits, one has expired');
  assert.equal(h.allRows().length, 1);
  assert.equal(requests(h), 2);
  await h.stop(b);
});

test('what is held ends by its expiry, and the hold stays', async () => {
  const { h, dispatcher } = await answeredGone();
  await h.until(() => h.deadLetters().length === 3, 'all have expired', 7_200_000);
  assert.deepEqual(new Set(h.deadLetters().map(({ letter }) => letter.reason)), new Set([DeadReason.EXPIRED]));
  assert.deepEqual(h.allRows(), []);
  h.deliver('order-4', 'shop');
  await h.until(() => h.allRows().length === 1, 'the new one waits');
  assert.equal(requests(h), 1);
  await h.stop(dispatcher);
});

test('where policy calls 410 final the delivery is given up as gone, and its endpoint is held all the same', async () => {
  const statusPolicy = { success: [], final: [{ first: 410, last: 410 }] };
  const { h, dispatcher } = await answeredGone('a', { statusPolicy });
  const [dead, ...more] = h.deadLetters();
  assert.deepEqual(more, []);
  assert.equal(dead?.letter.reason, DeadReason.GONE);
  assert.equal(dead?.letter.lastAttempt?.status, 410);
  assert.equal(requests(h), 1);
  assert.equal(h.allRows().length, 2);
  await h.stop(dispatcher);
});

test('an endpoint that was changed while it was being asked is not held', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.endpointsAnswer((_, earlier) => (earlier === 0 ? { afterMs: 5_000, status: 410 } : 200));
  h.deliver('order-1', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.receipts.length === 1, 'it is asked');
  h.config.endpoint('shop');
  await h.until(() => h.watermark() === 1 && h.allRows().length === 0, 'delivered', 60_000);
  assert.deepEqual(
    h.attempts().map(({ outcome }) => outcome),
    [Outcome.GONE, Outcome.DELIVERED],
  );
  await h.stop(dispatcher);
});
