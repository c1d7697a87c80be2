/** Endpoints that ask for order, on the fake Kafka. Observed: what they were sent, rows, dead letters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { OrderingMode, RunKind, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { OnExhausted } from '@postrider/contract/postrider/v1/endpoint';
import { durationOf, limits } from '@postrider/core';
import { createHarness } from '../testing/harness.ts';
import { byKey, firstSuccesses, inOrder, wholeEndpoint } from '../testing/ordered.ts';

const second = 1_000;
const ascending = (a: number, b: number): number => a - b;
const retries = (...delaysMs: number[]) => ({
  retryPolicy: { schedule: { $case: 'delays' as const, value: { delays: delaysMs.map(durationOf) } }, jitter: 0 },
});
const stop = { mode: OrderingMode.ENDPOINT, onExhausted: OnExhausted.STOP };
const skip = { mode: OrderingMode.ENDPOINT, onExhausted: OnExhausted.SKIP };

test('one delivery at a time, in source order, also while one is retried', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: skip, ...retries(5 * second, 5 * second) });
  const taken = firstSuccesses(h, (n, earlier) => n === 3 && earlier < 2);
  const dispatcher = await h.start('a');
  for (let n = 0; n < 10; n += 1) h.deliver(`e${n}`, 'shop', wholeEndpoint);
  await h.until(() => taken.size === 10, 'all delivered');
  assert.deepEqual([...taken], [...Array(10).keys()]);
  assert.equal(h.receipts.length, 12);
  await h.stop(dispatcher);
});

test('keys do not wait for each other, and exempt deliveries wait for none', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: skip, ...retries(3_600 * second) });
  const taken = firstSuccesses(h, (n, earlier) => n === 0 && earlier === 0);
  const dispatcher = await h.start('a');
  for (let n = 0; n < 6; n += 1) h.deliver(`e${n}`, 'shop', byKey(n % 3));
  h.deliver('e6', 'shop');
  h.deliver('e7', 'shop', { ...byKey(0), run: { kind: RunKind.RESEND, id: 'run_1' } });
  h.deliver('e8', 'shop', { ...byKey(0), bulk: true });
  await h.until(() => taken.size === 7, 'all but the stuck key');
  assert.deepEqual([...taken].toSorted(ascending), [1, 2, 4, 5, 6, 7, 8]);
  const marked = h.receipts.filter(({ headers }) => headers['postrider-out-of-order'] === 'true');
  assert.deepEqual(marked.map(({ body }) => body).toSorted(), ['{"id":"e6"}', '{"id":"e7"}', '{"id":"e8"}']);
  await h.until(() => taken.size === 9, 'all', 2 * 3_600 * second);
  assert.ok([...taken].indexOf(0) < [...taken].indexOf(3));
  await h.stop(dispatcher);
});

test('skip: what is given up is a dead letter, and the next goes on once a progress record says so', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: skip, ...retries() });
  const taken = firstSuccesses(h, (n) => n === 0);
  const dispatcher = await h.start('a');
  for (let n = 0; n < 3; n += 1) h.deliver(`e${n}`, 'shop', wholeEndpoint);
  await h.until(() => h.received('e1').length === 1, 'the next is sent');
  assert.equal(h.watermark(), 1);
  await h.until(() => taken.size === 2, 'all');
  assert.deepEqual(
    h.deadLetters().map(({ letter }) => letter.reason),
    [DeadReason.EXHAUSTED],
  );
  await h.stop(dispatcher);
});

test('skip: what was given up does not succeed after what stood behind it, also when a crash brings it back', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: skip, ...retries() });
  const taken = firstSuccesses(h, (n, earlier) => n === 0 && earlier === 0);
  const killed = await h.start('a');
  for (let n = 0; n < 3; n += 1) h.deliver(`e${n}`, 'shop', wholeEndpoint);
  await h.until(() => h.received('e1').length === 1, 'the next is sent');
  killed.port.kill();
  const next = await h.start('b');
  await h.until(() => h.watermark() === 3, 'all done', 120 * second);
  assert.equal(h.received('e0').length, 1);
  assert.deepEqual([...taken], [1, 2]);
  await h.stop(next);
});

test('skip: an endpoint without anything else is not forgotten before a progress record says what was given up', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: skip, ...retries() });
  const taken = firstSuccesses(h, (n, earlier) => n === 0 && earlier === 0);
  const killed = await h.start('a');
  const lost = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.ownership' ? { kind: 'lose-request' } : undefined,
  );
  h.deliver('e0', 'shop', wholeEndpoint);
  await h.until(() => h.deadLetters().length === 1, 'it is given up');
  await h.clock.advance(3 * second);
  h.deliver('e1', 'shop', wholeEndpoint);
  await h.clock.advance(3 * second);
  killed.port.kill();
  lost();
  const next = await h.start('b');
  await h.until(() => taken.size === 2, 'both are taken', 120 * second);
  assert.deepEqual([...taken], [0, 1]);
  await h.stop(next);
});

test('stop: what is given up stays in front, is told of, and nothing behind it is sent; its successor keeps to that', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: stop, ...retries() });
  const taken = firstSuccesses(h, (n) => n === 0);
  const first = await h.start('a');
  for (let n = 0; n < 3; n += 1) h.deliver(`e${n}`, 'shop', wholeEndpoint);
  await h.until(() => h.allRows().length === 1, 'the head waits');
  await h.clock.advance(2 * limits.orderedHoldMs + 5 * second);
  assert.deepEqual(
    h
      .allRows()
      .toSorted((a, b) => String(a.delivery.event?.id).localeCompare(String(b.delivery.event?.id)))
      .map(({ delivery }) => [delivery.event?.id, delivery.waitReason, delivery.givenUp]),
    [
      ['e0', WaitReason.ORDER, 1],
      ['e1', WaitReason.ORDER, 0],
      ['e2', WaitReason.ORDER, 0],
    ],
  );
  assert.equal(h.kafka.records('postrider.operations').length, 1);
  assert.equal(h.attempts()[0]?.decision?.decision?.$case, 'stopped');
  await h.stop(first);
  const next = await h.start('b');
  h.deliver('e3', 'shop', wholeEndpoint);
  await h.clock.advance(60 * second);
  assert.equal(h.receipts.length, 1);
  assert.deepEqual(h.deadLetters(), []);
  h.config.endpoint('shop', { ordering: skip, ...retries() });
  await h.until(() => taken.size === 3, 'the rest is sent');
  assert.deepEqual([...taken], [1, 2, 3]);
  assert.deepEqual(
    h.deadLetters().map(({ letter }) => [letter.reason, letter.delivery?.event?.id]),
    [[DeadReason.EXHAUSTED, 'e0']],
  );
  await h.stop(next);
});

test('stop: without a person each expires in its turn, and the next is judged by the same rule', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: stop, ...retries() });
  const taken = firstSuccesses(h, (n) => n < 2);
  const dispatcher = await h.start('a');
  const expiresIn = (ms: number) => ({ ...wholeEndpoint, expiresAt: new Date(h.clock.now() + ms) });
  h.deliver('e0', 'shop', expiresIn(60 * second));
  h.deliver('e1', 'shop', expiresIn(300 * second));
  h.deliver('e2', 'shop', expiresIn(900 * second));
  await h.until(() => taken.size === 1, 'the last one', 600 * second);
  assert.deepEqual(
    h.receipts.map(({ body }) => body),
    ['{"id":"e0"}', '{"id":"e1"}', '{"id":"e2"}'],
  );
  assert.deepEqual(
    h.deadLetters().map(({ letter }) => letter.reason),
    [DeadReason.EXPIRED, DeadReason.EXPIRED],
  );
  await h.stop(dispatcher);
});

test('switching order off lets a stopped lane go on, and what was routed in order stays in it', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: stop, ...retries() });
  const taken = firstSuccesses(h, (n) => n === 0);
  const dispatcher = await h.start('a');
  for (let n = 0; n < 5; n += 1) h.deliver(`e${n}`, 'shop', wholeEndpoint);
  await h.until(() => h.allRows().length === 1, 'the head waits');
  h.config.endpoint('shop', retries());
  await h.until(() => taken.size === 4, 'all');
  assert.deepEqual([...taken], [1, 2, 3, 4]);
  await h.stop(dispatcher);
});

test('while the mode changes, a key waits for what was ordered by the endpoint, and the other way round', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: skip, ...retries(60 * second) });
  const taken = firstSuccesses(h, (n, earlier) => (n === 0 || n === 3) && earlier === 0);
  const dispatcher = await h.start('a');
  h.deliver('e0', 'shop', wholeEndpoint);
  h.deliver('e1', 'shop', byKey(1));
  h.deliver('e2', 'shop', byKey(2));
  h.deliver('e3', 'shop', byKey(3));
  h.deliver('e4', 'shop', byKey(2));
  h.deliver('e5', 'shop', wholeEndpoint);
  h.deliver('e6', 'shop', byKey(1));
  await h.until(() => taken.size === 7, 'all', 600 * second);
  const got = [...taken];
  assert.equal(got[0], 0);
  assert.deepEqual(got.slice(1, 4).toSorted(ascending), [1, 2, 4]);
  assert.deepEqual(got.slice(4), [3, 5, 6]);
  await h.stop(dispatcher);
});

test('a new owner starts nothing ordered before every tier is loaded, and not before its turn', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: skip, ...retries(7_200 * second) });
  const taken = firstSuccesses(h, (n, earlier) => n === 0 && earlier === 0);
  const first = await h.start('a');
  for (let n = 0; n < 20; n += 1) h.deliver(`e${n}`, 'shop', wholeEndpoint);
  await h.until(() => h.rows('retry.14d').some(({ delivery }) => delivery.attempt === 1), 'the head waits for long');
  await h.clock.advance(10 * second);
  first.port.kill();
  const next = await h.start('b');
  for (let n = 20; n < 30; n += 1) h.deliver(`e${n}`, 'shop', wholeEndpoint);
  await h.until(() => taken.size === 30, 'all', 3 * 7_200 * second);
  assert.ok(inOrder(taken));
  assert.equal(h.receipts.length, 31);
  await h.stop(next);
});

test('an endpoint that is disabled and enabled again goes on in order', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: skip, ...retries(second) });
  const dispatcher = await h.start('a');
  const taken = firstSuccesses(h, (n, earlier) => n === 2 && earlier === 0);
  for (let n = 0; n < 5; n += 1) h.deliver(`e${n}`, 'shop', wholeEndpoint);
  await h.until(() => h.received('e2').length === 1, 'one waits');
  h.config.endpoint('shop', { ordering: skip, state: 'ENDPOINT_STATE_DISABLED', ...retries(second) });
  await h.until(() => h.allRows().length === 3, 'all wait');
  for (let n = 5; n < 8; n += 1) h.deliver(`e${n}`, 'shop', wholeEndpoint);
  await h.until(() => h.allRows().length === 6, 'all wait');
  assert.equal(h.receipts.length, 3);
  h.config.endpoint('shop', { ordering: skip, ...retries(second) });
  await h.until(() => taken.size === 8, 'all');
  assert.ok(inOrder(taken));
  await h.stop(dispatcher);
});

test('a long line behind a failing head frees offsets and memory: it is put, and sent in order later', async () => {
  const h = createHarness();
  const count = limits.offsetRangeMax + 2_000;
  h.config.endpoint('shop', { ordering: skip, ...retries(600 * second) });
  h.config.endpoint('other');
  const taken = firstSuccesses(h, (n, earlier) => n === 0 && earlier === 0);
  const dispatcher = await h.start('a');
  for (let n = 0; n < count; n += 1) h.deliver(`e${n}`, 'shop', wholeEndpoint);
  h.deliver(`e${count}`, 'other');
  await h.until(
    () => h.receipts.some(({ path }) => path === '/other'),
    'another endpoint is sent its own',
    300 * second,
  );
  assert.equal(taken.size, 1);
  await h.until(() => taken.size === count + 1, 'all', 3_600 * second);
  assert.ok(inOrder([...taken].filter((n) => n < count)));
  await h.stop(dispatcher);
});

test('a router’s repeat that is read before the row of its delivery is loaded takes no later place', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { ordering: skip, ...retries(7_200 * second) });
  const taken = firstSuccesses(h, (n, earlier) => n === 0 && earlier === 0);
  const first = await h.start('a');
  h.deliver('e0', 'shop', wholeEndpoint);
  await h.until(() => h.rows('retry.14d').length === 1, 'it waits for long');
  await h.clock.advance(3 * limits.repeatLookBackMs);
  h.deliver('e1', 'shop', wholeEndpoint);
  h.config.endpoint('shop', { ordering: skip, state: 'ENDPOINT_STATE_DISABLED', ...retries(7_200 * second) });
  await h.until(() => h.allRows().length === 2, 'both wait');
  await h.clock.advance(5 * second);
  first.port.kill();
  h.deliver('e0', 'shop', wholeEndpoint);
  const next = await h.start('b');
  await h.clock.advance(60 * second);
  h.config.endpoint('shop', { ordering: skip, ...retries(7_200 * second) });
  await h.until(() => taken.size === 2, 'both are taken', 3 * 7_200 * second);
  assert.deepEqual([...taken], [0, 1]);
  await h.stop(next);
});
