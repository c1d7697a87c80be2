/**
 * A whole dispatcher on the fake Kafka and the fake clock, its requests answered by a closure. What may be observed: what
 * endpoints received, and what stands on the topics.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelReason, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { Outcome, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { EndpointState, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { Secret, parseVerifyingKey, verify } from '@postrider/core';
import { createHarness, failed, responded, signingSecret } from '../testing/harness.ts';

test('a delivery reaches its endpoint signed, byte for byte, and is done once its attempt is acknowledged', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  const webhook = h.deliver('order-1', 'shop', { body: '{"amount": 1.50}' });
  const dispatcher = await h.start('a');
  await h.until(() => h.watermark() === 1, 'the delivery is done');
  const [receipt] = h.receipts;
  assert.equal(h.receipts.length, 1);
  assert.equal(receipt?.body, '{"amount": 1.50}');
  assert.equal(receipt?.headers['webhook-id'], webhook);
  const signature = receipt?.headers['webhook-signature'] ?? '';
  const timestamp = Number(receipt?.headers['webhook-timestamp']);
  const key = parseVerifyingKey(new Secret(signingSecret));
  assert.ok(verify([key], webhook, timestamp, Buffer.from(receipt?.body ?? ''), signature));
  const [attempt] = h.attempts();
  assert.equal(attempt?.outcome, Outcome.DELIVERED);
  assert.equal(attempt?.number, 1);
  assert.equal(attempt?.decision?.decision?.$case, 'done');
  assert.deepEqual(h.allRows(), []);
  await h.stop(dispatcher);
});

test('a failed attempt waits in the tier of its delay and is repeated when it is due, never before', async () => {
  const h = createHarness();
  const delays = {
    $case: 'delays' as const,
    value: { delays: [30, 300, 7_200].map((s) => ({ seconds: BigInt(s), nanos: 0 })) },
  };
  h.config.endpoint('shop', { retryPolicy: { schedule: delays, jitter: 0.1 } });
  h.endpointsAnswer((_, earlier) => (earlier < 3 ? 500 : 200));
  h.deliver('order-1', 'shop');
  const dispatcher = await h.start('a');
  const tiers = ['retry.1m', 'retry.1h', 'retry.14d'] as const;
  for (const [index, tier] of tiers.entries()) {
    await h.until(() => h.rows(tier).length === 1, `a row in ${tier}`, 86_400_000);
    const [row] = h.rows(tier);
    assert.equal(row?.delivery.attempt, index + 1);
    assert.equal(row?.delivery.waitReason, WaitReason.RETRY);
    assert.equal(row?.delivery.last?.status, 500);
    assert.equal(row?.body, '{"id":"order-1"}');
    await h.until(() => h.receipts.length === index + 2, 'the next attempt', 86_400_000);
    assert.ok((h.receipts[index + 1]?.at ?? 0) >= (row?.delivery.dueAt?.getTime() ?? Infinity));
    assert.ok((h.receipts[index + 1]?.at ?? 0) <= (row?.delivery.dueAt?.getTime() ?? 0) + 1_000);
  }
  await h.until(() => h.allRows().length === 0, 'no row is left');
  assert.deepEqual(
    h.attempts().map(({ number, outcome }) => [number, outcome]),
    [1, 2, 3, 4].map((number) => [number, number === 4 ? Outcome.DELIVERED : Outcome.REJECTED]),
  );
  assert.deepEqual(new Set(h.receipts.map(({ webhookId }) => webhookId)).size, 1);
  await h.stop(dispatcher);
});

test('a delivery whose schedule is exhausted becomes a dead letter with its body, its last attempt and the reason', async () => {
  const h = createHarness();
  const delays = { $case: 'delays' as const, value: { delays: [{ seconds: 1n, nanos: 0 }] } };
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer(() => failed('connection_refused', 'endpoint'));
  h.deliver('order-1', 'shop', { body: '{"keep":"me"}' });
  const dispatcher = await h.start('a');
  await h.until(() => h.deadLetters().length === 1, 'a dead letter');
  await h.until(() => h.watermark() === 1 && h.allRows().length === 0, 'nothing is left');
  const [{ record, letter } = { record: undefined, letter: undefined }] = h.deadLetters();
  assert.equal(record?.value?.toString(), '{"keep":"me"}');
  assert.equal(letter?.reason, DeadReason.EXHAUSTED);
  assert.equal(letter?.delivery?.attempt, 2);
  assert.equal(letter?.lastAttempt?.code, 'connection_refused');
  assert.equal(h.receipts.length, 2);
  await h.stop(dispatcher);
});

test('a failure of our own uses no attempt', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.endpointsAnswer((_, earlier) => (earlier === 0 ? failed('internal', 'ours') : 200));
  h.deliver('order-1', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.attempts().length === 2, 'two results');
  assert.deepEqual(
    h.attempts().map(({ number, outcome }) => [number, outcome]),
    [
      [0, Outcome.INTERNAL_ERROR],
      [1, Outcome.DELIVERED],
    ],
  );
  assert.deepEqual(
    h.receipts.map(({ attempt }) => attempt),
    [1, 1],
  );
  await h.stop(dispatcher);
});

test('an endpoint that asks to wait is asked nothing until then, whatever arrives', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.endpointsAnswer((_, earlier) =>
    earlier === 0 && h.receipts.length === 1 ? responded(429, ['retry-after', '120']) : 200,
  );
  h.deliver('order-1', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.attempts().length === 1, 'the first attempt');
  const asked = h.clock.now();
  h.deliver('order-2', 'shop');
  await h.until(() => h.receipts.length === 3, 'both are delivered');
  for (const { at } of h.receipts.slice(1)) assert.ok(at >= asked + 119_000, `${at - asked} ms later`);
  await h.stop(dispatcher);
});

test('an endpoint that hangs holds its concurrency limit and stops no other', async () => {
  const h = createHarness();
  h.config.endpoint('hangs', { limits: { concurrencyMax: 3 } });
  h.config.endpoint('shop');
  h.endpointsAnswer(({ path }) => (path === '/hangs' ? 'hang' : 200));
  for (let i = 0; i < 20; i += 1) h.deliver(`slow-${i}`, 'hangs');
  for (let i = 0; i < 200; i += 1) h.deliver(`fast-${i}`, 'shop');
  const dispatcher = await h.start('a', { concurrencyStart: 16 });
  const began = h.clock.now();
  await h.until(() => h.receipts.filter(({ path }) => path === '/shop').length === 200, 'the other is served');
  assert.ok(h.clock.now() - began < 3_000);
  assert.equal(h.receipts.filter(({ path }) => path === '/hangs').length, 3);
  await h.stop(dispatcher);
});

test('a rate limit bounds the starts in any period', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { limits: { rateCount: 10, ratePeriod: { seconds: 1n, nanos: 0 } } });
  for (let i = 0; i < 40; i += 1) h.deliver(`order-${i}`, 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.receipts.length === 40, 'all are delivered');
  const times = h.receipts.map(({ at }) => at);
  for (const [index, at] of times.entries()) {
    assert.ok((times[index + 10] ?? Infinity) - at >= 999, 'more than 10 within a second');
  }
  assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) < 4_500);
  await h.stop(dispatcher);
});

test('deliveries of a disabled endpoint wait, and go on when it is enabled', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { state: EndpointState.DISABLED, pending: PendingPolicy.KEEP });
  h.deliver('order-1', 'shop');
  h.deliver('order-2', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.watermark() === 2, 'the offsets are done');
  assert.deepEqual(
    h.rows('retry.14d').map(({ delivery }) => delivery.waitReason),
    [WaitReason.DISABLED, WaitReason.DISABLED],
  );
  await h.clock.advance(3_600_000);
  assert.equal(h.receipts.length, 0);
  h.config.endpoint('shop');
  await h.until(() => h.receipts.length === 2 && h.allRows().length === 0, 'both are delivered');
  await h.stop(dispatcher);
});

test('what is pending for a deleted endpoint is cancelled: queued, waiting and arriving', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.endpointsAnswer(() => 500);
  h.deliver('order-1', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.allRows().length === 1, 'it waits');
  h.config.deleteEndpoint('shop');
  h.deliver('order-2', 'shop');
  await h.until(() => h.watermark() === 2 && h.allRows().length === 0, 'nothing is left');
  const cancelled = h.attempts().filter(({ outcome }) => outcome === Outcome.CANCELLED);
  assert.equal(cancelled.length, 2);
  for (const { decision, number } of cancelled) {
    assert.equal(number, 0);
    assert.deepEqual(
      decision?.decision?.$case === 'cancelled' && decision.decision.value.reason,
      CancelReason.ENDPOINT_DELETED,
    );
  }
  assert.equal(h.receipts.length, 1);
  assert.deepEqual(h.deadLetters(), []);
  await h.stop(dispatcher);
});

test('a delivery routed with a newer configuration than the one read waits for it', async () => {
  const h = createHarness();
  const next = String(Number(h.config.revision()) + 1);
  h.deliver('order-1', 'shop', { endpointRevision: next });
  const dispatcher = await h.start('a');
  await h.clock.advance(60_000);
  assert.equal(h.receipts.length, 0);
  assert.equal(h.attempts().length, 0);
  h.config.endpoint('shop');
  await h.until(() => h.receipts.length === 1, 'it is delivered');
  await h.stop(dispatcher);
});

test('what expires before it could be delivered becomes a dead letter, whether it was ever attempted or not', async () => {
  const h = createHarness();
  h.config.endpoint('off', { state: EndpointState.DISABLED });
  h.config.endpoint('shop');
  h.endpointsAnswer(() => 500);
  h.deliver('old', 'shop', { expiresAt: new Date(h.clock.now() - 1) });
  h.deliver('waits', 'off', { expiresAt: new Date(h.clock.now() + 60_000) });
  h.deliver('fails', 'shop', { expiresAt: new Date(h.clock.now() + 20_000) });
  const dispatcher = await h.start('a');
  await h.until(() => h.deadLetters().length === 3, 'three dead letters');
  assert.ok(h.deadLetters().every(({ letter }) => letter.reason === DeadReason.EXPIRED));
  assert.equal(h.received('old').length, 0);
  assert.equal(h.received('waits').length, 0);
  await h.until(() => h.watermark() === 3 && h.allRows().length === 0, 'nothing is left');
  await h.stop(dispatcher);
});

test('a record that cannot be read becomes a dead letter, and the next one flows', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  const key = Buffer.from('ep_shop');
  h.kafka.append('postrider.deliveries', 0, {
    key,
    value: Buffer.from('a'),
    headers: { 'postrider-delivery': Buffer.from([0xff, 0xff]) },
  });
  h.kafka.append('postrider.deliveries', 0, { key, value: Buffer.from('b') });
  h.kafka.append('postrider.retry.1m', 0, { key: Buffer.from('dlv_x'), value: Buffer.from('c') });
  h.deliver('order-1', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.watermark() === 3 && h.deadLetters().length === 3, 'all are done');
  assert.deepEqual(
    h
      .deadLetters()
      .map(({ letter, record }) => [letter.reason, record.value?.toString()])
      .toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
    [
      [DeadReason.UNREADABLE, 'a'],
      [DeadReason.UNREADABLE, 'b'],
      [DeadReason.UNREADABLE, 'c'],
    ],
  );
  assert.equal(h.receipts.length, 1);
  await h.stop(dispatcher);
});

test('a hanging endpoint at the head of the offset range does not hold up what stands behind it', async () => {
  const h = createHarness();
  h.config.endpoint('hangs');
  h.config.endpoint('shop', { limits: { concurrencyMax: 256 } });
  h.endpointsAnswer(({ path }) => (path === '/hangs' ? 'hang' : 200));
  for (let i = 0; i < 40; i += 1) h.deliver(`slow-${i}`, 'hangs');
  for (let i = 0; i < 12_000; i += 1) h.deliver(`fast-${i}`, 'shop');
  const dispatcher = await h.start('a', { concurrencyStart: 16 });
  const began = h.clock.now();
  await h.until(() => h.receipts.length >= 12_016, 'all others are delivered');
  assert.ok(h.clock.now() - began < 14_000, 'before the first request of the hanging endpoint has ended');
  const reasons = new Set(h.allRows().map(({ delivery }) => delivery.waitReason));
  assert.ok(reasons.has(WaitReason.GUARD) && reasons.has(WaitReason.LANE_FULL));
  assert.equal(h.receipts.filter(({ path }) => path === '/hangs').length, 16);
  h.endpointsAnswer(() => 200);
  await h.until(() => h.allRows().length === 0, 'nothing waits any more', 600_000);
  assert.deepEqual(h.deadLetters(), []);
  assert.equal(h.receipts.length, 12_000 + 16 + 40);
  await h.stop(dispatcher);
});

test('a forbidden URL is never asked: its deliveries become dead letters that say so', async () => {
  const h = createHarness();
  h.config.endpoint('inside', { url: 'https://127.0.0.1/inside' });
  h.deliver('order-1', 'inside');
  const dispatcher = await h.start('a');
  await h.until(() => h.deadLetters().length === 1, 'a dead letter');
  assert.equal(h.deadLetters()[0]?.letter.reason, DeadReason.BLOCKED);
  assert.equal(h.attempts()[0]?.code, 'blocked_url');
  assert.equal(h.receipts.length, 0);
  await h.stop(dispatcher);
});

test('no secret and no body is in any log line or attempt', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { headers: { authorization: 'Bearer canary-token' } });
  h.endpointsAnswer((_, earlier) => (earlier === 0 ? 500 : 200));
  h.deliver('order-1', 'shop', { body: 'canary-body' });
  const dispatcher = await h.start('a');
  await h.until(() => h.receipts.length === 2 && h.allRows().length === 0, 'it is delivered');
  const told =
    JSON.stringify(h.log.lines) +
    JSON.stringify(h.attempts(), (_key, value) => (typeof value === 'bigint' ? String(value) : value));
  for (const canary of ['canary-token', 'canary-body', signingSecret, signingSecret.slice(6)])
    assert.ok(!told.includes(canary), canary);
  assert.equal(h.receipts[0]?.headers['authorization'], 'Bearer canary-token');
  await h.stop(dispatcher);
});
