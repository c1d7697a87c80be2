/** Pauses on the fake Kafka: what waits, what goes on, what is over by itself. Observed: receipts, and topics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { createHarness, type Harness } from '../testing/harness.ts';

const MINUTE_MS = 60_000;

async function advance(h: Harness, ms: number): Promise<void> {
  const until = h.clock.now() + ms;
  await h.until(() => h.clock.now() >= until, 'time passes', ms + MINUTE_MS);
}

const names = [
  { name: 'installation', id: 'installation' },
  { name: 'egressPools/default', id: 'egressPools/default' },
  { name: 'tenants/acme', id: 'tenants/acme' },
  { name: 'tenants/acme/endpoints/shop', endpointUid: 'ep_shop', id: 'endpoints/ep_shop' },
];

for (const { id, name, endpointUid = '' } of names) {
  test(`while ${name} is paused nothing is sent and no offset stays open; what waits goes on when it is resumed`, async () => {
    const h = createHarness();
    h.config.endpoint('shop');
    h.config.endpoint('other');
    const a = await h.start('a');
    h.config.pause(name, { endpointUid });
    for (let i = 0; i < 20; i += 1) h.deliver(`e${i}`, 'shop');
    h.deliver('others', 'other');
    await h.until(() => h.watermark() === 21, 'all are put or delivered');
    await advance(h, 10 * MINUTE_MS);
    assert.deepEqual(
      h.receipts.map(({ path }) => path),
      endpointUid === '' ? [] : ['/other'],
    );
    const waiting = h.allRows();
    assert.equal(waiting.length, endpointUid === '' ? 21 : 20);
    assert.ok(waiting.every(({ delivery }) => delivery.waitReason === WaitReason.PAUSED));
    h.config.resume(id);
    await h.until(() => h.allRows().length === 0, 'all are delivered');
    assert.equal(h.receipts.length, 21);
    await h.stop(a);
  });
}

test('a pause is known to whoever takes the partition over, and is over by itself at its end', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.config.pause('tenants/acme', { expireTime: new Date(h.clock.now() + 30 * MINUTE_MS) });
  h.deliver('kept', 'shop');
  await h.stop(await h.start('a'));
  const end = h.clock.now() + 20 * MINUTE_MS;
  const b = await h.start('b');
  await h.until(() => h.clock.now() >= end, 'most of it has passed', 30 * MINUTE_MS);
  assert.equal(h.receipts.length, 0);
  await h.until(() => h.receipts.length === 1, 'it goes on by itself', 15 * MINUTE_MS);
  await h.stop(b);
});

test('a retry that falls due during a pause is sent when that is over, and what expires meanwhile ends', async () => {
  const h = createHarness();
  const delays = { $case: 'delays' as const, value: { delays: [{ seconds: 60n, nanos: 0 }] } };
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer((_receipt, earlier) => (earlier === 0 ? 500 : 200));
  const a = await h.start('a');
  h.deliver('retried', 'shop');
  await h.until(() => h.allRows().length === 1, 'a retry waits');
  h.config.pause('installation');
  h.deliver('short', 'shop', { expiresAt: new Date(h.clock.now() + 5 * MINUTE_MS) });
  await advance(h, 10 * MINUTE_MS);
  assert.equal(h.receipts.length, 1);
  assert.deepEqual(
    h.deadLetters().map(({ letter }) => letter.reason),
    [DeadReason.EXPIRED],
  );
  h.config.resume('installation');
  await h.until(() => h.received('retried').length === 2, 'the retry is sent');
  await h.stop(a);
});

test('order is kept through a pause, and what is in flight when it begins ends by itself', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: { mode: 'ORDERING_MODE_ENDPOINT', key: '' } });
  h.endpointsAnswer(() => ({ afterMs: 2_000, status: 200 }));
  const a = await h.start('a');
  const ordering = { mode: 'ORDERING_MODE_ENDPOINT' as const, keyHash: 0n, seq: 0n };
  for (let i = 0; i < 5; i += 1) h.deliver(`e${i}`, 'shop', { ordering });
  await h.until(() => h.receipts.length === 2, 'the second is in flight');
  h.config.pause('tenants/acme/endpoints/shop', { endpointUid: 'ep_shop' });
  await h.until(() => h.watermark() === 5, 'all others are put');
  await advance(h, MINUTE_MS);
  assert.equal(h.receipts.length, 2);
  h.config.resume('endpoints/ep_shop');
  await h.until(() => h.allRows().length === 0, 'all are delivered');
  assert.deepEqual(
    h.receipts.map(({ body }) => body),
    [0, 1, 2, 3, 4].map((i) => `{"id":"e${i}"}`),
  );
  await h.stop(a);
});
