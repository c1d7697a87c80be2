/** Dispatchers that are killed, with a done-filter over a fake store, on the fake Kafka. Observed: receipts and topics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderingMode, Outcome, RunKind } from '@postrider/contract/postrider/v1/delivery';
import { limits } from '@postrider/core';
import { createFakeDoneStore, type FakeDoneStore } from '../testing/fake-done-store.ts';
import { createHarness, type Harness, type TestDispatcher } from '../testing/harness.ts';

const count = 40;
/** Each an order of its own, or one would wait for the other. */
const orderingOf = (i: number) => ({ mode: OrderingMode.KEY, keyHash: BigInt(i), seq: 0n });

/** A crash in the gap: endpoints took everything, and of what follows from that nothing is acknowledged. */
async function crashInTheGap(h: Harness, store?: FakeDoneStore): Promise<TestDispatcher> {
  const more = store === undefined ? {} : { doneStore: store };
  h.config.endpoint('shop', { limits: { concurrencyMax: 64 } });
  h.config.endpoint('flaky');
  h.endpointsAnswer(({ path }, earlier) => (path === '/flaky' && earlier === 0 ? 503 : 200));
  const first = await h.start('first', {}, more);
  h.deliver('late', 'flaky');
  await h.until(() => h.allRows().length === 1, 'a delivery waits');
  const mend = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.attempts' ? { kind: 'lose-request' } : undefined,
  );
  for (let i = 0; i < count; i += 1) h.deliver(`order-${i}`, 'shop', i % 4 === 0 ? { ordering: orderingOf(i) } : {});
  await h.until(() => h.receipts.length === count + 2, 'everything is sent', 300_000);
  await h.clock.advance(10);
  first.port.kill();
  mend();
  const second = await h.start('second', {}, more);
  await h.until(() => h.watermark() === count + 1 && h.allRows().length === 0, 'everything is done', 300_000);
  return second;
}

test('without a filter what was in the gap is sent again; with one nothing is', async () => {
  const without = createHarness();
  await crashInTheGap(without);
  assert.equal(without.receipts.length, count + 2 + count + 1);
  const h = createHarness();
  await crashInTheGap(h, createFakeDoneStore(h.clock));
  assert.equal(h.receipts.length, count + 2);
});

test('what the filter knows ends as delivered: one record says so, no dead letter, nothing waits', async () => {
  const h = createHarness();
  await crashInTheGap(h, createFakeDoneStore(h.clock));
  const ended = h.attempts().filter(({ code }) => code === 'delivered_before');
  assert.equal(ended.length, count + 1);
  for (const attempt of ended) {
    assert.equal(attempt.outcome, Outcome.DELIVERED);
    assert.equal(attempt.decision?.decision?.$case, 'done');
    assert.equal(attempt.number, 0);
    assert.equal(attempt.pod, 'second');
  }
  assert.equal(new Set(ended.map(({ deliveryId }) => deliveryId)).size, count + 1);
  assert.deepEqual(h.deadLetters(), []);
  assert.equal(h.log.lines.filter(({ message }) => message === 'delivery.delivered-before').length, count + 1);
});

for (const [trouble, break_] of [
  ['fails', (store: FakeDoneStore) => store.fail(new Error('LOADING'))],
  ['hangs', (store: FakeDoneStore) => store.answerAfter(Infinity)],
  ['is slow', (store: FakeDoneStore) => store.answerAfter(limits.doneTimeoutMs + 10)],
] as const) {
  test(`a store that ${trouble} keeps nothing: all is sent again, each at most 50 ms later`, async () => {
    const h = createHarness();
    const store = createFakeDoneStore(h.clock);
    break_(store);
    await crashInTheGap(h, store);
    assert.equal(h.receipts.length, count + 2 + count + 1);
    const again = h.receipts.filter(({ process }) => process === 'second');
    // 64 at a time: all are asked for at once.
    const [first, last] = [Math.min(...again.map(({ at }) => at)), Math.max(...again.map(({ at }) => at))];
    assert.ok(last - first <= limits.doneTimeoutMs * limits.doneFailuresMax, `${last - first} ms`);
  });
}

test('who takes over from one that released soon after a crash, with nothing done, asks in its place', async () => {
  const h = createHarness();
  const more = { doneStore: createFakeDoneStore(h.clock) };
  h.config.endpoint('shop');
  const first = await h.start('first', {}, more);
  await h.until(() => h.ownership().progress !== null, 'the first one serves');
  const mend = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.attempts' ? { kind: 'lose-request' } : undefined,
  );
  h.deliver('order-1', 'shop');
  await h.until(() => h.receipts.length === 1, 'it is sent');
  await h.clock.advance(10);
  first.port.kill();
  mend();
  let claim: (() => void) | undefined;
  const held = (store: () => void): void => void (claim ??= store);
  const letGo = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.ownership' ? { kind: 'hold', held } : undefined,
  );
  const second = await h.start('second', {}, more);
  await h.until(() => claim !== undefined, 'the second one claims', 300_000);
  letGo();
  const stopping = h.stop(second);
  claim?.();
  await stopping;
  assert.equal(h.ownership().processId, 'second');
  assert.equal(h.ownership().released, true);
  assert.equal(h.watermark(), 0);
  const third = await h.start('third', {}, more);
  await h.until(() => h.watermark() === 1, 'it is done');
  assert.equal(h.receipts.length, 1);
  await h.stop(third);
});

test('after a clean release nothing is asked, and neither is what came after the claim', async () => {
  const h = createHarness();
  const store = createFakeDoneStore(h.clock);
  h.config.endpoint('shop');
  const first = await h.start('first', {}, { doneStore: store });
  h.deliver('order-1', 'shop');
  await h.until(() => h.watermark() === 1, 'it is done');
  await h.stop(first);
  h.deliver('order-2', 'shop');
  const second = await h.start('second', {}, { doneStore: store });
  await h.until(() => h.watermark() === 2, 'the next owner serves');
  second.port.kill();
  await h.start('third', {}, { doneStore: store });
  await h.until(
    () => h.ownership().processId === 'third' && h.ownership().progress?.processId === 'third',
    'a takeover',
  );
  h.deliver('order-3', 'shop');
  await h.until(() => h.watermark() === 3, 'it is done');
  assert.equal(h.receipts.length, 3);
  assert.deepEqual(
    store.calls.filter(({ call }) => call === 'has'),
    [],
  );
});

test('a resend of what was delivered is sent, also after a crash', async () => {
  const h = createHarness();
  const store = createFakeDoneStore(h.clock);
  h.config.endpoint('shop');
  const first = await h.start('first', {}, { doneStore: store });
  h.deliver('order-1', 'shop');
  await h.until(() => h.watermark() === 1, 'it is done');
  first.port.kill();
  h.deliver('order-1', 'shop', { run: { kind: RunKind.RESEND, id: 'res_1' } });
  await h.start('second', {}, { doneStore: store });
  await h.until(() => h.watermark() === 2, 'the resend is done', 300_000);
  assert.equal(h.received('order-1').length, 2);
  assert.equal(store.calls.filter(({ call }) => call === 'has').length, 1);
});

test('an answer that comes after the partition was lost changes nothing', async () => {
  const h = createHarness();
  const store = createFakeDoneStore(h.clock);
  h.config.endpoint('shop');
  const first = await h.start('first', {}, { doneStore: store });
  await h.until(() => h.ownership().progress !== null, 'the first one serves');
  first.port.kill();
  h.deliver('order-1', 'shop');
  const second = await h.start('second', {}, { doneStore: store });
  store.answerAfter(limits.doneTimeoutMs - 1);
  await h.until(() => store.calls.some(({ call }) => call === 'has'), 'it is asked', 300_000);
  second.port.freeze();
  await h.clock.advance(60_000);
  const third = await h.start('third');
  await h.until(() => h.watermark() === 1, 'the third one delivers', 300_000);
  second.port.thaw();
  await h.clock.advance(5_000);
  assert.deepEqual(
    h.receipts.map(({ process }) => process),
    ['third'],
  );
  await h.stop(third);
});
