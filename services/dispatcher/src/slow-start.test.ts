/** How many requests an endpoint has at once, on the fake Kafka. Observed: receipts, each for as long as it has no answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointState, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { createHarness, responded, type Answer, type Harness } from '../testing/harness.ts';
import { every } from '../testing/retry-delays.ts';

const second = 1_000;
const answerMs = 100;
const delays = every(1, 20);

/** The endpoint `shop`, which answers after 100 ms, and is given deliveries. */
function setUp(count: number, fields: Parameters<Harness['config']['endpoint']>[1] = {}) {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays, jitter: 0 }, ...fields });
  const deliver = (name: string, more: number): void => {
    for (let i = 0; i < more; i += 1) h.deliver(`${name}-${i}`, 'shop');
  };
  deliver('order', count);
  return { h, deliver };
}

/** Most receipts within the time that one answer takes, of those from the index on. */
function mostAtOnce({ receipts }: Harness, from = 0): number {
  const times = receipts.slice(from).map(({ at }) => at);
  return Math.max(0, ...times.map((at) => times.filter((other) => other >= at && other < at + answerMs).length));
}

test('a new endpoint is sent one request, and twice as many with each round that it takes, up to its cap', async () => {
  const { h } = setUp(100);
  h.endpointsAnswer(() => ({ afterMs: answerMs, status: 200 }));
  const dispatcher = await h.start('a');
  await h.until(() => h.receipts.length === 100, 'all are sent');
  const began = h.receipts[0]?.at ?? 0;
  const rounds = [0, 1, 2, 3, 4, 5].map(
    (round) => h.receipts.filter(({ at }) => Math.floor((at - began) / (answerMs + 1)) === round).length,
  );
  assert.deepEqual(rounds, [1, 2, 4, 8, 16, 16]);
  await h.stop(dispatcher);
});

test('an endpoint that answers 429, 503 or not in time now and then is sent few requests at a time in the end', async () => {
  for (const answer of [429, 503, 'hang'] as const satisfies Answer[]) {
    const { h } = setUp(200, { limits: { timeout: { seconds: 1n, nanos: 0 } } });
    const isTooMuch = (): boolean => h.receipts.length > 40 && h.receipts.length % 3 === 0;
    h.endpointsAnswer(() => (isTooMuch() ? answer : { afterMs: answerMs, status: 200 }));
    const dispatcher = await h.start('a');
    // Those that were on their way, then 8, 4 and 2 at a time.
    await h.until(() => h.receipts.length >= 40 + 16 + 8 + 4 + 2 + 30, 'it has failed for a while', 60 * second);
    const most = mostAtOnce(h, h.receipts.length - 20);
    assert.ok(most <= 4, `${answer}: ${most}`);
    await h.stop(dispatcher);
  }
});

test('after the pause that an endpoint asked for it is sent one request', async () => {
  const { h } = setUp(60);
  h.endpointsAnswer(() =>
    h.receipts.length === 40 ? responded(429, ['retry-after', '30']) : { afterMs: answerMs, status: 200 },
  );
  const dispatcher = await h.start('a');
  await h.until(() => h.receipts.length >= 40, 'it asks for a pause');
  await h.clock.advance(20 * second);
  const before = h.receipts.length;
  assert.ok(mostAtOnce(h) >= 16);
  await h.until(() => h.receipts.length > before, 'the pause is over', 60 * second);
  await h.clock.advance(answerMs / 2);
  assert.equal(h.receipts.length, before + 1);
  await h.until(() => h.watermark() === 60, 'all are delivered', 60 * second);
  await h.stop(dispatcher);
});

test('an endpoint that was disabled is sent one request when it is enabled again', async () => {
  const { h, deliver } = setUp(40);
  h.endpointsAnswer(() => ({ afterMs: answerMs, status: 200 }));
  const dispatcher = await h.start('a');
  await h.until(() => h.watermark() === 40, 'it is served');
  h.config.endpoint('shop', { state: EndpointState.DISABLED, pending: PendingPolicy.KEEP });
  deliver('later', 20);
  await h.until(() => h.allRows().length === 20, 'all wait');
  h.config.endpoint('shop');
  await h.until(() => h.receipts.length > 40, 'it is enabled');
  await h.clock.advance(answerMs / 2);
  assert.equal(h.receipts.length, 41);
  await h.stop(dispatcher);
});

test('what is known of an endpoint outlasts a time without deliveries, but not a long one', async () => {
  const { h, deliver } = setUp(60);
  h.endpointsAnswer(() => ({ afterMs: answerMs, status: 200 }));
  const dispatcher = await h.start('a');
  for (const [name, idleMs, most] of [
    ['soon', 30 * second, 16],
    ['late', 90 * second, 1],
  ] as const) {
    await h.until(() => h.watermark() === h.receipts.length && h.receipts.length % 60 === 0, 'all are delivered');
    await h.clock.advance(idleMs);
    const before = h.receipts.length;
    deliver(name, 60);
    await h.until(() => h.receipts.length > before, 'the next are sent');
    await h.clock.advance(answerMs / 2);
    assert.equal(h.receipts.length, before + most, name);
  }
  await h.stop(dispatcher);
});
