/** Endpoints that fail, on the fake Kafka. Observed: receipts, and what stands on the topics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { limits } from '@postrider/core';
import { createHarness, failed, type Harness } from '../testing/harness.ts';
import { every } from '../testing/retry-delays.ts';
import { wholeEndpoint } from '../testing/ordered.ts';

const second = 1_000;
const minute = 60 * second;

/** The endpoint `shop`, which fails, with so many deliveries. */
function setUp(
  count: number,
  { livesMs = 14 * 24 * 60 * minute, ...fields }: Parameters<Harness['deliver']>[2] & { livesMs?: number } = {},
) {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: every(1, 90), jitter: 0 } });
  const expiresAt = new Date(h.clock.now() + livesMs);
  for (let i = 0; i < count; i += 1) h.deliver(`order-${i}`, 'shop', { expiresAt, ...fields });
  h.endpointsAnswer(() => 500);
  return h;
}

const told = (h: Harness, type: string) =>
  h.operations().filter((event) => event.type === `postrider.endpoint.${type}`);
const timesOf = ({ receipts }: Harness) => receipts.map(({ at }) => at);

test('an endpoint that fails is left alone, then asked by one request, however many arrive and fall due', async () => {
  const h = setUp(60);
  const dispatcher = await h.start('a');
  await h.until(() => told(h, 'failing').length === 1, 'it is failing');
  const before = h.receipts.length;
  assert.ok(before >= limits.breakerFailuresInRow && before < 30, `${before}`);
  const openedAt = h.clock.now();
  for (let i = 0; i < 20; i += 1) h.deliver(`later-${i}`, 'shop');
  await h.clock.advance(29 * second);
  assert.equal(h.receipts.length, before);
  await h.clock.advance(4 * minute);
  const asked = timesOf(h)
    .slice(before)
    .map((at) => at - openedAt);
  // At 30 s, 90 s and 210 s, each a fifth later at most.
  assert.equal(asked.length, 3);
  for (const [i, at] of [30, 90, 210].entries()) {
    const after = (asked[i] ?? 0) / second;
    assert.ok(after >= at && after <= 1.2 * at + 1, `${after} s`);
  }
  h.endpointsAnswer(() => 200);
  await h.until(() => h.watermark() === 80 && h.allRows().length === 0, 'all are delivered', 20 * minute);
  assert.equal(told(h, 'recovered').length, 1);
  await h.stop(dispatcher);
});

test('while its breaker is open no attempt is used, and what expires ends', async () => {
  const h = setUp(20, { livesMs: 100 * second });
  const dispatcher = await h.start('a');
  await h.until(() => told(h, 'failing').length === 1, 'it is failing');
  const before = h.receipts.length;
  await h.until(() => h.deadLetters().length === 20, 'all have expired', 3 * minute);
  assert.ok(h.receipts.length <= before + 2, `${h.receipts.length - before} asked`);
  assert.equal(h.attempts().length, h.receipts.length);
  await h.stop(dispatcher);
});

test('failures of ours and of forbidden addresses open no breaker, nor do answers below 500', async () => {
  for (const answer of [failed('internal', 'ours'), failed('blocked_address', 'endpoint'), 404, 429, 301]) {
    const h = setUp(40);
    h.endpointsAnswer(() => answer);
    const dispatcher = await h.start('a');
    await h.clock.advance(30 * second);
    assert.deepEqual(told(h, 'failing'), []);
    assert.ok(h.receipts.length > 40, `${h.receipts.length}`);
    await h.stop(dispatcher);
  }
});

test('a request of which nothing can be told is followed by another one, and never by two', async () => {
  const h = setUp(40);
  const dispatcher = await h.start('a');
  await h.until(() => told(h, 'failing').length === 1, 'it is failing');
  const before = h.receipts.length;
  h.endpointsAnswer(() => ({ ...failed('internal', 'ours') }));
  await h.until(() => h.receipts.length > before + 5, 'it is asked', minute);
  const times = timesOf(h).slice(before);
  assert.equal(new Set(times).size, times.length);
  await h.stop(dispatcher);
});

test('the next owner asks with one request what its last owner knew to fail', async () => {
  const h = setUp(40);
  const a = await h.start('a');
  await h.until(() => told(h, 'failing').length === 1, 'it is failing');
  await h.until(
    () => h.allRows().some(({ delivery }) => delivery.waitReason === WaitReason.BREAKER_OPEN),
    'a row tells',
  );
  await h.stop(a);
  const before = h.receipts.length;
  const b = await h.start('b');
  await h.clock.advance(25 * second);
  // Closed, it would be asked ten times before it opened.
  assert.equal(h.receipts.length, before + 1);
  h.endpointsAnswer(() => 200);
  await h.until(() => h.watermark() === 40 && h.allRows().length === 0, 'all are delivered', 5 * minute);
  assert.equal(told(h, 'recovered').length, 1);
  await h.stop(b);
});

test('deliveries that an endpoint cannot take do not keep the others from it', async () => {
  const h = setUp(10);
  h.endpointsAnswer(({ body }) => (body.includes('order-') ? 500 : 200));
  const dispatcher = await h.start('a');
  await h.until(() => told(h, 'failing').length === 1, 'it is failing');
  for (let i = 0; i < 20; i += 1) h.deliver(`good-${i}`, 'shop');
  const good = () => h.receipts.filter(({ body }) => body.includes('good-')).length;
  // The first that asks has failed before, and fails again.
  await h.until(() => good() === 20, 'all that it can take', 3 * minute);
  await h.stop(dispatcher);
});

test('while most of its attempts fail an endpoint gets six retries a minute, and first attempts go on', async () => {
  const h = setUp(8);
  h.endpointsAnswer(({ body }) => (body.includes('order-') ? 500 : 200));
  const dispatcher = await h.start('a');
  await h.until(() => h.receipts.length === 8, 'all have failed');
  // Never ten in a row, and never twenty in a minute of which half have failed.
  for (let i = 0; i < 3; i += 1) {
    h.deliver(`good-${i}`, 'shop');
    await h.clock.advance(2 * second);
  }
  const retries = () => h.receipts.filter(({ attempt }) => attempt > 1).length;
  await h.clock.advance(30 * second);
  assert.equal(retries(), 6);
  assert.equal(h.receipts.filter(({ body }) => body.includes('good-')).length, 3);
  assert.deepEqual(told(h, 'failing'), []);
  h.endpointsAnswer(() => 200);
  await h.until(() => h.allRows().length === 0, 'all are delivered', 2 * minute);
  assert.equal(h.deadLetters().length, 0);
  await h.stop(dispatcher);
});

test('an endpoint whose configuration changes is asked at once', async () => {
  const h = setUp(20);
  const dispatcher = await h.start('a');
  await h.until(() => told(h, 'failing').length === 1, 'it is failing');
  h.endpointsAnswer(() => 200);
  const changedAt = h.clock.now();
  h.config.endpoint('shop', { retryPolicy: { schedule: every(2, 90), jitter: 0 } });
  await h.until(() => h.watermark() === 20 && h.allRows().length === 0, 'all are delivered', minute);
  assert.ok(h.clock.now() - changedAt < 10 * second, `${h.clock.now() - changedAt} ms`);
  await h.stop(dispatcher);
});

test('one request asks, however long it takes, of an endpoint with and without order', async () => {
  for (const ordering of [{}, wholeEndpoint]) {
    const h = setUp(30, ordering);
    const dispatcher = await h.start('a');
    await h.until(() => told(h, 'failing').length === 1, 'it is failing', 3 * minute);
    const before = h.receipts.length;
    h.endpointsAnswer(() => 'hang');
    await h.until(() => h.receipts.length > before, 'it is asked', minute);
    for (let i = 0; i < 5; i += 1) h.deliver(`later-${i}`, 'shop', ordering);
    await h.clock.advance(14 * second);
    assert.equal(h.receipts.length, before + 1);
    await h.stop(dispatcher);
  }
});

test('what is sent to one endpoint does not wait for the breaker of another', async () => {
  const h = setUp(30);
  h.config.endpoint('good');
  h.endpointsAnswer(({ path }) => (path === '/good' ? 200 : 500));
  const dispatcher = await h.start('a');
  await h.until(() => told(h, 'failing').length === 1, 'it is failing');
  for (let i = 0; i < 10; i += 1) h.deliver(`good-${i}`, 'good');
  await h.until(
    () => h.receipts.filter(({ path }) => path === '/good').length === 10,
    'the other is served',
    2 * second,
  );
  await h.stop(dispatcher);
});

test('an endpoint that its configuration tells to fail, and that works, is told of once, also by an owner that never saw it fail', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { failingSince: new Date(h.clock.now()) });
  const dispatcher = await h.start('a');
  for (let i = 0; i < 5; i += 1) h.deliver(`order-${i}`, 'shop');
  await h.until(() => h.watermark() === 5, 'all are delivered');
  assert.equal(told(h, 'recovered').length, 1);
  h.config.endpoint('shop', {});
  for (let i = 5; i < 10; i += 1) h.deliver(`order-${i}`, 'shop');
  await h.until(() => h.watermark() === 10, 'all are delivered');
  assert.equal(told(h, 'recovered').length, 1);
  await h.stop(dispatcher);
});
