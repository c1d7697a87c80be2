/**
 * Dispatchers that are killed, and a Kafka that fails, on the fake Kafka and the fake clock. What may be observed: what endpoints received, and what stands on the topics. A killed
 * process sends and hears nothing more; its session expires.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProduceFault } from '@postrider/kafka/testing';
import { createHarness, type Harness, type TestDispatcher } from '../testing/harness.ts';
import { allDone, assertEach, configure, publish, randomOf } from '../testing/three-endpoints.ts';

const named: readonly [string, (h: Harness) => boolean][] = [
  ['after the claim', (h) => h.ownership().epoch >= 0],
  ['after the first progress', (h) => h.ownership().progress !== null],
  ['when the first request has arrived', (h) => h.receipts.length >= 1],
  ['when the first attempt is written', (h) => h.attempts().length >= 1],
  ['when the first row is written', (h) => h.allRows().length >= 1],
  ['when a row has moved on to the next tier', (h) => h.rows('retry.1h').length >= 1],
  ['when a row is tombstoned', (h) => h.kafka.records('postrider.retry.1m').some(({ value }) => value === null)],
  ['when some progress is written', (h) => h.watermark() >= 10],
];

for (const [moment, reached] of named) {
  test(`killed ${moment}, the next dispatcher loses nothing and repeats at most what was in flight or not told of`, async () => {
    const h = createHarness();
    configure(h);
    const count = 60;
    publish(h, count);
    const a = await h.start('a');
    await h.until(() => reached(h), moment, 600_000);
    const inDoubt = doubtful(h);
    a.port.kill();
    const b = await h.start('b');
    await allDone(h, count);
    assertEach(h, count, (event) => (inDoubt.has(event) ? 2 : 1));
    await h.stop(b);
  });
}

/** Events whose delivery a crash now may repeat: all whose end no progress tells of. */
function doubtful(h: Harness): Set<string> {
  const ended = h.watermark();
  const events = new Set<string>();
  h.kafka.records('postrider.deliveries').forEach(({ offset, value }) => {
    if (offset >= ended) events.add(JSON.parse(value?.toString() ?? '{}').id);
  });
  h.kafka.records('postrider.deliveries.bulk').forEach(({ offset, value }) => {
    if (offset >= h.watermark(0, 'deliveries.bulk')) events.add(JSON.parse(value?.toString() ?? '{}').id);
  });
  for (const { body } of h.allRows()) events.add(JSON.parse(body).id);
  return events;
}

test('what a tier has not acknowledged is not done: killed then, the next dispatcher delivers it', async () => {
  const h = createHarness();
  configure(h);
  publish(h, 30);
  const mend = h.kafka.onProduce(({ topic }) =>
    topic.startsWith('postrider.retry.') ? { kind: 'lose-request' } : undefined,
  );
  const a = await h.start('a');
  await h.until(() => h.received('order-29').length === 1, 'all are attempted');
  await h.clock.advance(5_000);
  assert.deepEqual(h.allRows(), []);
  a.port.kill();
  mend();
  const b = await h.start('b');
  await allDone(h, 30);
  assertEach(h, 30, () => 2);
  await h.stop(b);
});

test('what attempts has not acknowledged is not done: killed then, the next dispatcher tells of it', async () => {
  const h = createHarness();
  configure(h);
  publish(h, 30);
  const mend = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.attempts' ? { kind: 'lose-request' } : undefined,
  );
  const a = await h.start('a');
  await h.until(() => h.received('order-29').length === 1, 'all are attempted');
  await h.clock.advance(5_000);
  assert.equal(h.watermark(), 0);
  a.port.kill();
  mend();
  const b = await h.start('b');
  await allDone(h, 30);
  const told = new Set(
    h
      .attempts()
      .filter(({ outcome }) => outcome === 'OUTCOME_DELIVERED')
      .map(({ webhookId }) => webhookId),
  );
  assert.equal(told.size, 30);
  await h.stop(b);
});

test('killed over and over while writes are late, doubled or lost, nothing is lost', async () => {
  for (let seed = 1; seed <= 15; seed += 1) {
    const h = createHarness();
    configure(h);
    const random = randomOf(seed);
    const count = 90;
    publish(h, count / 2);
    const mend = h.kafka.onProduce(() => faultOf(random));
    let running: TestDispatcher = await h.start(`p0-${seed}`);
    for (let round = 1; round <= 3; round += 1) {
      await h.clock.advance(Math.floor(random() * 6_000));
      running.port.kill();
      if (round === 2) publish(h, count - count / 2, count / 2);
      running = await h.start(`p${round}-${seed}`);
    }
    await h.clock.advance(5_000);
    mend();
    await allDone(h, count);
    assertEach(h, count, () => 4);
    await h.stop(running);
    const last = await h.start(`last-${seed}`);
    const before = h.receipts.length;
    await h.clock.advance(600_000);
    assert.equal(h.receipts.length, before, `seed ${seed}: sent again after everything had ended`);
    await h.stop(last);
  }
});

/** What goes wrong with one write in eight. */
function faultOf(random: () => number): ProduceFault | undefined {
  const dice = random();
  if (dice < 0.03) return { kind: 'lose-answer' };
  if (dice < 0.06) return { kind: 'lose-request' };
  if (dice < 0.1) return { kind: 'delay-answer', ms: Math.floor(random() * 3_000) };
  if (dice < 0.12) return { kind: 'store-late', ms: Math.floor(random() * 8_000) };
  return undefined;
}

test('Kafka goes away in the middle and comes back: everything is delivered', async () => {
  for (const outageMs of [3_000, 60_000]) {
    const h = createHarness();
    configure(h);
    const count = 90;
    publish(h, count);
    const a = await h.start('a');
    await h.clock.advance(7);
    h.kafka.brokerDown();
    await h.clock.advance(outageMs);
    h.kafka.brokerUp();
    await allDone(h, count);
    assertEach(h, count, () => 2);
    await h.stop(a);
  }
});

test('a row that counts an attempt is written after the record of that attempt, so none is missing after a crash', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.endpointsAnswer((_, earlier) => (earlier < 1 ? 500 : 200));
  h.deliver('order-1', 'shop');
  const mend = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.attempts' ? { kind: 'lose-request' } : undefined,
  );
  const first = await h.start('a');
  await h.until(() => h.receipts.length === 1, 'the first attempt');
  await h.clock.advance(5_000);
  assert.deepEqual(h.allRows(), []);
  mend();
  await h.until(() => h.allRows().length === 1, 'its row');
  assert.deepEqual(
    h.attempts().map(({ number }) => number),
    [1],
  );
  await h.stop(first);
});
