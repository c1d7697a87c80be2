/** Deliveries that cannot be sent for one reason or another, on the fake Kafka: that each ends when it must, and holds up no other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelReason, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { createHarness, responded, type Harness } from '../testing/harness.ts';

const minute = 60_000;
const forged = '99999999999999999999';

/** Events whose deliveries became dead letters because they expired, and how late at most. */
function expired(h: Harness): { events: string[]; latestMs: number } {
  const letters = h.deadLetters().filter(({ letter }) => letter.reason === DeadReason.EXPIRED);
  const lateness = letters.map(
    ({ letter }) => (letter.time?.getTime() ?? 0) - (letter.delivery?.expiresAt?.getTime() ?? 0),
  );
  const events = letters.map(({ letter }) => letter.delivery?.event?.id ?? '').toSorted((a, b) => a.localeCompare(b));
  return { events, latestMs: Math.max(...lateness) };
}

const situations: readonly (readonly [what: string, arrange: (h: Harness) => void])[] = [
  ['its endpoint is disabled', (h) => h.config.endpoint('shop', { state: EndpointState.DISABLED })],
  [
    'its endpoint hangs',
    (h) => (h.config.endpoint('shop', { limits: { concurrencyMax: 1 } }), h.endpointsAnswer(() => 'hang')),
  ],
  [
    'its endpoint asked for an hour',
    (h) => (h.config.endpoint('shop'), h.endpointsAnswer(() => responded(429, ['retry-after', '3600']))),
  ],
  [
    'its endpoint takes one in an hour',
    (h) => h.config.endpoint('shop', { limits: { rateCount: 1, ratePeriod: { seconds: 3_600n, nanos: 0 } } }),
  ],
  [
    'its endpoint is gone',
    (h) => (h.config.endpoint('shop', { limits: { concurrencyMax: 1 } }), h.endpointsAnswer(() => 410)),
  ],
  ['its egress pool is closed', (h) => h.config.endpoint('shop', { egressPool: 'egressPools/closed' })],
  ['its endpoint is not known yet', () => undefined],
];

for (const [what, arrange] of situations) {
  test(`where ${what}, every delivery ends by its own expiry, whatever stands before it`, async () => {
    const h = createHarness();
    arrange(h);
    h.deliver('first', 'shop', { expiresAt: new Date(h.clock.now() + 60 * minute), endpointRevision: '3' });
    for (let i = 0; i < 20; i += 1) {
      // The later it came, the sooner it ends.
      const expiresAt = new Date(h.clock.now() + (30 - i) * minute);
      h.deliver(`order-${String(i).padStart(2, '0')}`, 'shop', {
        expiresAt,
        endpointRevision: what.includes('known') ? '99' : '2',
      });
    }
    const pools = { isOpen: (name: string) => name === 'default', states: () => [], onChange: () => () => undefined };
    const dispatcher = await h.start('a', {}, { pools });
    await h.until(() => expired(h).events.length >= 20, 'all have expired', 40 * minute);
    assert.ok(expired(h).latestMs < 31_000, `${expired(h).latestMs} ms late`);
    await h.stop(dispatcher);
  });
}

test('a delivery that names a configuration which will never be holds up no other of its lane, and ends by its expiry', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.deliver('order-1', 'shop');
  h.deliver('forged', 'shop', { endpointRevision: forged, expiresAt: new Date(h.clock.now() + 20 * minute) });
  h.deliver('order-2', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.received('order-2').length === 1 && h.received('order-1').length === 1, 'the others', 15_000);
  await h.until(() => h.allRows().length === 1, 'the forged one waits');
  assert.equal(h.allRows()[0]?.delivery.waitReason, WaitReason.CONFIG);
  h.deliver('order-3', 'shop');
  await h.until(() => h.received('order-3').length === 1, 'what comes later', 1_000);
  await h.until(() => h.watermark() === 4, 'the range moves on');
  const written = () => ['1m', '1h', '14d'].flatMap((tier) => h.kafka.records(`postrider.retry.${tier}`)).length;
  await h.until(() => expired(h).events.includes('forged'), 'it has expired', 21 * minute);
  assert.ok(written() < 60, `${written()} tier records for one delivery`);
  assert.equal(h.received('forged').length, 0);
  await h.stop(dispatcher);
});

test('a delivery that is ahead of the configuration for longer than its lane waits is sent once it is read', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.deliver('ahead', 'shop', { endpointRevision: String(Number(h.config.revision()) + 1) });
  const dispatcher = await h.start('a');
  await h.clock.advance(15_000);
  assert.equal(h.receipts.length, 0);
  h.config.endpoint('shop');
  await h.until(() => h.receipts.length === 1 && h.allRows().length === 0, 'it is delivered', minute);
  await h.stop(dispatcher);
});

test('a delivery of a deleted endpoint that names a configuration which never was is cancelled, and does not wait', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.config.deleteEndpoint('shop');
  const dispatcher = await h.start('a');
  h.deliver('forged', 'shop', { endpointRevision: forged });
  h.deliver('unknown', 'nowhere', { endpointRevision: forged });
  await h.until(() => h.watermark() === 1 && h.attempts().length === 1, 'it has ended', minute);
  const ending = h.attempts()[0]?.decision?.decision;
  assert.equal(ending?.$case === 'cancelled' && ending.value.reason, CancelReason.ENDPOINT_DELETED);
  await h.clock.advance(10 * minute);
  assert.equal(h.attempts().length, 1, 'of an endpoint that nobody knows the configuration may yet come');
  await h.stop(dispatcher);
});
