/** Deliveries that some topic refuses for their size, on the fake Kafka, which holds `max.message.bytes` as a broker does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { AttemptBodyPolicy, EndpointLimits, EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { createHarness, responded } from '../testing/harness.ts';

/** The least that a dispatcher agrees to work with. */
const leastBytes = 320 * 1_024;
const once = { $case: 'delays' as const, value: { delays: [] } };
const large = JSON.stringify({ padding: 'x'.repeat(leastBytes) });
/** Settings of topics, by the last part of their names. */
const limitedTo = (bytes: Readonly<Record<string, number>>) => ({
  topicConfig: Object.fromEntries(
    Object.entries(bytes).map(([topic, most]) => [`postrider.${topic}`, { 'max.message.bytes': String(most) }]),
  ),
});

test('a dead letter that is too large for its topic drops the body and keeps where it was read', async () => {
  const h = createHarness(limitedTo({ 'dead-letters': leastBytes }));
  h.config.endpoint('shop', { retryPolicy: { schedule: once }, attemptBody: AttemptBodyPolicy.FIRST });
  const wordy = ['x-reason', 'y'.repeat(9_000)];
  h.endpointsAnswer(() => responded(500, wordy));
  const source = { cluster: 'test', topic: 'orders', partition: 3, offset: 77n };
  h.deliver('small', 'shop');
  h.deliver('large', 'shop', { body: large, source: { ...source, timestamp: undefined, bodySha256: Buffer.alloc(0) } });
  const dispatcher = await h.start('a');
  await h.until(() => h.deadLetters().length === 2, 'two dead letters', 60_000);
  const [small, dropped] = h
    .deadLetters()
    .toSorted((a, b) => Number(a.letter.bodyDropped) - Number(b.letter.bodyDropped));
  assert.equal(small?.record.value?.toString(), '{"id":"small"}');
  assert.equal(small?.letter.lastAttempt?.body, undefined, 'the body stands there once');
  assert.equal(dropped?.letter.bodyDropped, true);
  assert.equal(dropped?.record.value?.length, 0);
  const { delivery, lastAttempt, reason } = dropped?.letter ?? {};
  assert.equal(reason, DeadReason.EXHAUSTED);
  assert.deepEqual(
    [delivery?.source?.topic, delivery?.source?.partition, delivery?.source?.offset],
    ['orders', 3, 77n],
  );
  assert.deepEqual([delivery?.intake?.bulk, delivery?.intake?.offset], [false, 1n]);
  assert.deepEqual([lastAttempt?.status, lastAttempt?.number, lastAttempt?.responseHeaders], [500, 1, []]);
  await h.until(() => h.watermark() === 2, 'both are done');
  await h.stop(dispatcher);
});

test('what must wait and is too large for every tier becomes a dead letter, whole, and others flow', async () => {
  const h = createHarness(limitedTo({ 'retry.1m': leastBytes, 'retry.14d': leastBytes }));
  h.config.endpoint('shop');
  h.config.endpoint('off', { state: EndpointState.DISABLED });
  h.endpointsAnswer(() => 500);
  h.deliver('attempted', 'shop', { body: large });
  h.deliver('pending', 'off', { body: large });
  h.deliver('other', 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.deadLetters().length === 2 && h.watermark() === 3, 'the large have ended', 60_000);
  const letters = h.deadLetters().map(({ letter, record }) => ({ ...letter, bytes: record.value?.length }));
  for (const { reason, bytes, bodyDropped } of letters) {
    assert.deepEqual([reason, bytes, bodyDropped], [DeadReason.TOO_LARGE, large.length, false]);
  }
  assert.deepEqual(
    letters.map(({ delivery }) => delivery?.attempt).toSorted((a, b) => Number(a) - Number(b)),
    [0, 1],
  );
  assert.equal(h.attempts().length, 2);
  assert.equal(h.allRows().length, 1);
  await h.stop(dispatcher);
});

test('a body larger than its endpoint takes is given up unsent, and told with its size', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { limits: EndpointLimits.fromPartial({ bodyBytesMax: 100 }) });
  h.deliver('fits', 'shop', { body: 'x'.repeat(100) });
  h.deliver('larger', 'shop', { body: 'x'.repeat(101) });
  const dispatcher = await h.start('a');
  await h.until(() => h.watermark() === 2, 'both have ended');
  assert.deepEqual(
    h.receipts.map(({ body }) => body.length),
    [100],
  );
  const [letter] = h.deadLetters();
  assert.equal(letter?.letter.reason, DeadReason.TOO_LARGE);
  assert.equal(letter?.record.value?.length, 101);
  const { outcome, code, detail } = letter?.letter.lastAttempt ?? {};
  assert.deepEqual([outcome, code], [Outcome.BLOCKED, 'blocked_body']);
  assert.equal(detail, 'The body has 101 bytes; the endpoint is sent at most 100.');
  await h.stop(dispatcher);
});

test('a row that has become too large for its tier ends when it is put again', async () => {
  const h = createHarness(limitedTo({ 'retry.1h': leastBytes }));
  const delays = {
    $case: 'delays' as const,
    value: {
      delays: [
        { seconds: 1n, nanos: 0 },
        { seconds: 300n, nanos: 0 },
      ],
    },
  };
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer(() => 500);
  h.deliver('order-1', 'shop', { body: large });
  const dispatcher = await h.start('a');
  await h.until(() => h.deadLetters().length === 1, 'it has ended', 60_000);
  await h.until(() => h.allRows().length === 0, 'no row is left in any tier');
  assert.equal(h.deadLetters()[0]?.letter.delivery?.attempt, 2);
  await h.stop(dispatcher);
});
