/** Offset ranges that others crowd, on the fake Kafka: who must not be put for it. Observed: receipts, and rows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, readDelivery, type DeliveryView } from '@postrider/core';
import { DELIVERY_HEADER, header } from '@postrider/kafka';
import { createHarness, type Harness } from '../testing/harness.ts';
import { every } from '../testing/retry-delays.ts';

/** Rows that were written of first attempts to the endpoint, whatever became of them. */
const rowsWritten = (h: Harness) =>
  ['1m', '1h', '14d']
    .flatMap((tier) => h.kafka.records(`postrider.retry.${tier}`))
    .map((record) => header(record, DELIVERY_HEADER))
    .filter((bytes) => bytes !== undefined && bytes.length > 0 && isShops(readDelivery(bytes))).length;

const isShops = ({ endpointId, attempt }: DeliveryView) => endpointId === 'ep_shop' && attempt === 0;

const lateMs = (h: Harness, event: string, sentAt: number) => (h.received(event)[0]?.at ?? Infinity) - sentAt;

/** So many offsets of the only partition are taken, of which one delivery that hangs is not done. */
async function crowd(h: Harness, offsets: number): Promise<void> {
  h.config.endpoint('holds', { limits: { timeout: { seconds: 30n } } });
  h.config.endpoint('fills', { limits: { concurrencyMax: 256 } });
  h.deliver('first', 'holds');
  for (let taken = 0; taken < offsets; taken += 500) {
    for (let i = 0; i < 500; i += 1) h.deliver(`filler-${taken + i}`, 'fills');
    await h.clock.advance(100);
  }
}

test('a first attempt does not wait for the retry budget of its endpoint', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: every(1, 12), jitter: 0 } });
  h.endpointsAnswer(({ path, webhookId }) =>
    path === '/holds' ? 'hang' : h.received('poison').some((one) => one.webhookId === webhookId) ? 500 : 200,
  );
  const dispatcher = await h.start('a');
  await crowd(h, 3_000);
  h.deliver('poison', 'shop');
  await h.clock.advance(10_000);
  for (let i = 0; i < 5; i += 1) {
    const sentAt = h.clock.now();
    h.deliver(`good-${i}`, 'shop');
    await h.clock.advance(200);
    assert.ok(lateMs(h, `good-${i}`, sentAt) < 100);
  }
  await h.stop(dispatcher);
});

test('a burst to an endpoint that works it off is not put because of what others fill', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.endpointsAnswer(({ path }) =>
    path === '/holds' ? 'hang' : path === '/shop' ? { afterMs: 100, status: 200 } : 200,
  );
  const dispatcher = await h.start('a');
  for (let i = 0; i < 500; i += 1) h.deliver(`order-${i}`, 'shop');
  await crowd(h, 6_000);
  await h.clock.advance(10_000);
  assert.equal(h.receipts.filter(({ path }) => path === '/shop').length, 500);
  // The last of them are the head of a range of which all else is done.
  assert.ok(rowsWritten(h) < 6_000 * (1 - limits.stuckDoneFraction));
  await h.stop(dispatcher);
});

test('an endpoint that let one request hang long ago is not taken to answer nothing', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: every(3_600, 1), jitter: 0 } });
  let isWell = false;
  h.endpointsAnswer(({ path }) =>
    path === '/holds' || (path === '/shop' && !isWell)
      ? 'hang'
      : path === '/shop'
        ? { afterMs: 100, status: 200 }
        : 200,
  );
  h.deliver('hangs', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.attempts().length === 1, 'it ran into its deadline', 60_000);
  isWell = true;
  await h.clock.advance(10_000);
  await crowd(h, 3_000);
  for (let i = 0; i < 500; i += 1) h.deliver(`order-${i}`, 'shop');
  await h.clock.advance(10_000);
  assert.equal(h.receipts.filter(({ path }) => path === '/shop').length, 501);
  assert.equal(rowsWritten(h), 0);
  await h.stop(dispatcher);
});

test('an endpoint that waits for nothing but its rate is not put because of what others fill', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { limits: { rateCount: 20, ratePeriod: { seconds: 60n } } });
  h.endpointsAnswer(({ path }) => (path === '/holds' ? 'hang' : 200));
  const dispatcher = await h.start('a');
  await crowd(h, 3_000);
  for (let i = 0; i < 6; i += 1) {
    h.deliver(`order-${i}`, 'shop');
    await h.clock.advance(200);
  }
  await h.clock.advance(20_000);
  assert.equal(rowsWritten(h), 0);
  await h.stop(dispatcher);
});
