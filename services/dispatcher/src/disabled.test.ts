/** Endpoints that are disabled, enabled and deleted while deliveries wait, on the fake Kafka. Observed: receipts, and topics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { EndpointState, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { TenantState } from '@postrider/contract/postrider/v1/tenant';
import { limits } from '@postrider/core';
import { createHarness, type Harness } from '../testing/harness.ts';

const cancels = { state: EndpointState.DISABLED, pending: PendingPolicy.CANCEL };
const delays = { $case: 'delays' as const, value: { delays: [{ seconds: 300n, nanos: 0 }] } };

const cancelled = (h: Harness) =>
  h.attempts().flatMap(({ decision }) => {
    const what = decision?.decision;
    return what?.$case === 'cancelled' ? [what.value.reason] : [];
  });

test('enabled again, what was pending when it was disabled without keeping is cancelled, however late that is seen', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer(() => 500);
  h.deliver('retried', 'shop');
  const a = await h.start('a');
  await h.until(() => h.allRows().length === 1, 'a retry waits');
  await h.stop(a);
  // Nobody owns the partition while it is disabled and enabled again.
  h.deliver('unread', 'shop');
  h.config.endpoint('shop', cancels);
  h.config.endpoint('shop', { cancelsBelow: String(Number(h.config.revision()) + 1) });
  h.endpointsAnswer(() => 200);
  h.deliver('new', 'shop');
  const b = await h.start('b');
  await h.until(() => h.watermark() === 3 && h.allRows().length === 0, 'everything has ended', 600_000);
  assert.deepEqual(cancelled(h), [CancelReason.ENDPOINT_DISABLED, CancelReason.ENDPOINT_DISABLED]);
  assert.deepEqual(
    ['retried', 'unread', 'new'].map((event) => h.received(event).length),
    [1, 0, 1],
  );
  await h.stop(b);
});

const many = 3_000;
const keeps = { state: EndpointState.DISABLED, pending: PendingPolicy.KEEP };

/** A dispatcher that holds many deliveries of one disabled endpoint, and what is written of them when that ends. */
async function holdingMany() {
  const h = createHarness();
  h.config.endpoint('shop', keeps);
  h.config.endpoint('other');
  for (let i = 0; i < many; i += 1) h.deliver(`kept-${i}`, 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.watermark() === many, 'all wait');
  return { h, dispatcher };
}

test('many deliveries are cancelled a part at a time, and others are served in between', async () => {
  const { h, dispatcher } = await holdingMany();
  const mend = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.attempts' ? { kind: 'delay-answer', ms: 5_000 } : undefined,
  );
  h.config.endpoint('shop', cancels);
  h.deliver('order-1', 'other');
  await h.until(() => h.received('order-1').length === 1, 'the other is served');
  await h.clock.advance(4_000);
  assert.ok(cancelled(h).length > 0);
  assert.ok(cancelled(h).length <= 2 * limits.walkUnsettledMax, `${cancelled(h).length} are on their way`);
  mend();
  await h.until(() => h.allRows().length === 0, 'all have ended', 60_000);
  assert.equal(cancelled(h).length, many);
  assert.deepEqual(new Set(cancelled(h)), new Set([CancelReason.ENDPOINT_DISABLED]));
  assert.equal(h.receipts.length, 1);
  await h.stop(dispatcher);
});

test('enabled again in the middle of being cancelled, nothing that was pending is sent and everything ends', async () => {
  const { h, dispatcher } = await holdingMany();
  const mend = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.attempts' ? { kind: 'delay-answer', ms: 5_000 } : undefined,
  );
  h.config.endpoint('shop', cancels);
  await h.until(() => cancelled(h).length > 0, 'some are cancelled');
  h.config.endpoint('shop', { cancelsBelow: String(Number(h.config.revision()) + 1) });
  h.deliver('new', 'shop');
  mend();
  await h.until(() => h.allRows().length === 0 && h.received('new').length === 1, 'all have ended', 60_000);
  assert.equal(cancelled(h).length, many);
  assert.equal(h.receipts.length, 1);
  await h.stop(dispatcher);
});

test('kept after all in the middle of being cancelled, what is left waits and is sent once the endpoint is enabled', async () => {
  const { h, dispatcher } = await holdingMany();
  const mend = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.attempts' ? { kind: 'delay-answer', ms: 5_000 } : undefined,
  );
  h.config.endpoint('shop', cancels);
  await h.until(() => cancelled(h).length > 0, 'some are cancelled');
  h.config.endpoint('shop', keeps);
  mend();
  await h.clock.advance(20_000);
  const left = h.allRows().length;
  assert.ok(left > 0 && left === many - cancelled(h).length, `${left} are left`);
  h.config.endpoint('shop', { limits: { concurrencyMax: 256 } });
  await h.until(() => h.allRows().length === 0, 'nothing waits', 60_000);
  assert.equal(h.receipts.length, left);
  await h.stop(dispatcher);
});

test('killed in the middle of cancelling what a deleted endpoint had, the next owner goes on with it', async () => {
  const { h, dispatcher } = await holdingMany();
  h.kafka.onProduce(({ topic }) => (topic === 'postrider.attempts' ? { kind: 'delay-answer', ms: 500 } : undefined));
  h.config.deleteEndpoint('shop');
  await h.until(() => cancelled(h).length > 0, 'some are cancelled');
  dispatcher.port.kill();
  const next = await h.start('b');
  await h.until(() => h.allRows().length === 0, 'all have ended', 120_000);
  assert.ok(cancelled(h).length >= many && cancelled(h).length <= many + limits.walkActiveMax);
  assert.equal(h.receipts.length, 0);
  await h.stop(next);
});

test('while its tenant is being deleted an endpoint that is still there is sent nothing: what waits and comes is cancelled', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer(() => 500);
  h.deliver('waits', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.allRows().length === 1, 'a retry waits');
  h.endpointsAnswer(() => 200);
  h.config.tenant(undefined, undefined, TenantState.DELETING);
  h.deliver('comes', 'shop');
  await h.until(() => h.watermark() === 2 && h.allRows().length === 0, 'both have ended');
  assert.deepEqual(cancelled(h), [CancelReason.TENANT_DELETED, CancelReason.TENANT_DELETED]);
  assert.equal(h.receipts.length, 1);
  // Then its endpoints go, one after the other: that is still the tenant’s deletion.
  await h.stop(dispatcher);
  h.config.deleteEndpoint('shop');
  h.deliver('late', 'shop');
  const next = await h.start('b');
  await h.until(() => cancelled(h).length === 3, 'it has ended, too');
  assert.ok(cancelled(h).every((reason) => reason === CancelReason.TENANT_DELETED));
  await h.stop(next);
});

test('retries of an endpoint that is disabled move to the longest tier, and are sent at their times once it is enabled', async () => {
  const h = createHarness();
  const value = { delays: [{ seconds: 40n, nanos: 0 }] };
  h.config.endpoint('shop', { retryPolicy: { schedule: { $case: 'delays', value }, jitter: 0 } });
  h.endpointsAnswer(({ body }) => (body.includes('slow') ? { afterMs: 4_000, status: 500 } : 500));
  h.deliver('waits', 'shop');
  h.deliver('slow', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.rows('retry.1m').length === 1, 'one waits, one is in flight');
  h.config.endpoint('shop', keeps);
  await h.until(() => h.rows('retry.14d').length === 2, 'both wait for the endpoint');
  assert.deepEqual(h.rows('retry.1m'), []);
  const rows = h.rows('retry.14d').map(({ delivery }) => delivery);
  assert.deepEqual(new Set(rows.map(({ waitReason }) => waitReason)), new Set([WaitReason.DISABLED]));
  h.endpointsAnswer(() => 200);
  h.config.endpoint('shop');
  await h.until(() => h.allRows().length === 0, 'both are delivered');
  for (const { webhookId, dueAt } of rows) {
    const at = h.receipts.filter((receipt) => receipt.webhookId === webhookId).at(-1)?.at ?? 0;
    assert.ok(at >= (dueAt?.getTime() ?? Infinity) && at < (dueAt?.getTime() ?? 0) + 1_000);
  }
  await h.stop(dispatcher);
});
