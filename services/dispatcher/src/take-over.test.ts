/**
 * Dispatchers that stop, join, hand over and stand still, on the fake Kafka and the fake clock. What may be observed: what endpoints received, and what stands on the topics.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointState, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { encodeClaim, encodeProgress, encodeRowVersion } from '@postrider/core';
import { ROW_HEADER } from '@postrider/kafka';
import { createHarness } from '../testing/harness.ts';
import { allDone, assertEach, configure, delays, publish, successes } from '../testing/three-endpoints.ts';

test('a restart in good order delivers everything once', async () => {
  const h = createHarness();
  configure(h);
  const count = 120;
  publish(h, count);
  let running = await h.start('a');
  for (const next of ['b', 'c', 'd']) {
    await h.clock.advance(1_500);
    await h.stop(running);
    assert.equal(h.ownership().released, true);
    running = await h.start(next);
  }
  await allDone(h, count);
  assertEach(h, count);
  assert.equal(h.receipts.length, 40 + 80 + 160);
  await h.stop(running);
});

test('a process that joins takes over half the partitions without a duplicate, and one that leaves gives them back', async () => {
  const h = createHarness({ partitions: 4 });
  configure(h);
  const count = 400;
  for (let i = 0; i < count; i += 1)
    h.deliver(`order-${i}`, ['good', 'flaky', 'bad'][i % 3] ?? '', { partition: i % 4 });
  const a = await h.start('a');
  await h.clock.advance(50);
  const b = await h.start('b');
  await h.clock.advance(1_000);
  await h.until(() => h.receipts.some(({ process }) => process === 'b'), 'b sends too');
  await h.stop(a);
  await h.until(
    () => [0, 1, 2, 3].every((p) => h.watermark(p) === 100) && h.allRows().length === 0,
    'all is done',
    600_000,
  );
  assertEach(h, count);
  await h.stop(b);
});

test('requests in flight at a stop end, and are told of, before the partition is released', async () => {
  const h = createHarness();
  h.config.endpoint('slow');
  h.endpointsAnswer(() => ({ afterMs: 9_000, status: 200 }));
  for (let i = 0; i < 40; i += 1) h.deliver(`order-${i}`, 'slow');
  const a = await h.start('a', { concurrencyStart: 16 });
  await h.until(() => h.receipts.length === 16, 'a lane full of requests is in flight');
  await h.clock.advance(1_000);
  await h.stop(a);
  assert.equal(h.receipts.length, 16);
  assert.equal(h.attempts().length, 16);
  const b = await h.start('b');
  await h.until(() => h.watermark() === 40, 'all are done');
  assert.equal(h.receipts.length, 40);
  await h.stop(b);
});

test('who takes a partition over waits for the requests of its last owner, as long as that is alive', async () => {
  const h = createHarness({ partitions: 2 });
  h.config.endpoint('slow');
  h.endpointsAnswer(() => ({ afterMs: 9_000, status: 200 }));
  for (let i = 0; i < 60; i += 1) h.deliver(`order-${i}`, 'slow', { partition: i % 2 });
  const a = await h.start('a', { concurrencyStart: 16 });
  await h.until(() => h.receipts.length === 32, 'two lanes are full');
  const b = await h.start('b');
  await h.until(() => h.watermark(0) === 30 && h.watermark(1) === 30, 'all are done');
  assert.equal(h.receipts.length, 60);
  assert.deepEqual(new Set(h.receipts.map(({ process }) => process)), new Set(['a', 'b']));
  await h.stop(a);
  await h.stop(b);
});

test('a row that its dead writer could not place in time is not sent again after the delivery has ended', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer(({ process }) => (process === 'a' ? 429 : 200));
  h.kafka.failNextProduce('postrider.retry.1m', { kind: 'store-late', ms: 120_000 });
  h.deliver('order-1', 'shop');
  const a = await h.start('a');
  await h.until(() => h.receipts.length === 1, 'the first attempt');
  await h.clock.advance(6);
  a.port.kill();
  const b = await h.start('b');
  await h.until(() => h.watermark() === 1, 'it is delivered');
  await h.stop(b);
  await h.clock.advance(120_000);
  assert.equal(
    h.kafka.records('postrider.retry.1m').at(-1)?.value?.toString(),
    '{"id":"order-1"}',
    'the row came late',
  );
  const c = await h.start('c');
  await h.clock.advance(600_000);
  assert.equal(h.receipts.length, 2);
  await h.stop(c);
});

test('a late row that its owner sees is answered, so that compaction cannot bring it back', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer(({ process }) => (process === 'a' ? 429 : 200));
  h.kafka.failNextProduce('postrider.retry.1m', { kind: 'store-late', ms: 120_000 });
  h.deliver('order-1', 'shop');
  const a = await h.start('a');
  await h.until(() => h.receipts.length === 1, 'the first attempt');
  await h.clock.advance(6);
  a.port.kill();
  const b = await h.start('b');
  await h.clock.advance(200_000);
  assert.equal(h.kafka.records('postrider.retry.1m').at(-1)?.value, null);
  assert.equal(h.receipts.length, 2);
  await h.stop(b);
});

test('a row of an earlier epoch is written again before the record that it stands for is done', async () => {
  const h = createHarness();
  const hour = { $case: 'delays' as const, value: { delays: [{ seconds: 3_600n, nanos: 0 }] } };
  h.config.endpoint('shop', { retryPolicy: { schedule: hour } });
  h.endpointsAnswer(() => 503);
  const mend = h.kafka.onProduce(({ topic, records }) =>
    topic === 'postrider.ownership' &&
    records.some(({ key }) => key?.toString() === 'progress') &&
    h.allRows().length > 0
      ? { kind: 'lose-request' }
      : undefined,
  );
  h.deliver('order-1', 'shop');
  const a = await h.start('a');
  await h.until(() => h.allRows().length === 1, 'it waits');
  a.port.kill();
  mend();
  assert.equal(h.watermark(), 0);
  const b = await h.start('b');
  const { epoch } = h.ownership();
  await h.until(() => h.watermark() === 1, 'its record is done');
  assert.equal(h.receipts.length, 1);
  assert.ok(epoch > 0 && h.allRows().every(({ version }) => version.epoch >= epoch));
  await h.stop(b);
});

test('a repeat is not done while the row that it waits for is being written again', async () => {
  const h = createHarness();
  const halfAnHour = { $case: 'delays' as const, value: { delays: [{ seconds: 1_800n, nanos: 0 }] } };
  h.config.endpoint('shop', { retryPolicy: { schedule: halfAnHour } });
  h.endpointsAnswer(() => 503);
  h.deliver('order-1', 'shop');
  const a = await h.start('a');
  await h.until(() => h.watermark() === 1, 'it waits');
  a.port.kill();
  const [row] = h.rows('retry.1h');
  // What stands behind the row is older: the next owner writes the row again.
  const headers = { [ROW_HEADER]: encodeRowVersion(row?.version.epoch ?? 0, 0) };
  h.kafka.append('postrider.retry.1h', 0, { key: Buffer.from(row?.key ?? ''), value: null, headers });
  const mend = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.retry.1h' ? { kind: 'lose-request' } : undefined,
  );
  const b = await h.start('b');
  await h.clock.advance(60_000);
  h.deliver('order-1', 'shop');
  await h.clock.advance(5_000);
  assert.equal(h.watermark(), 1);
  mend();
  await h.until(() => h.watermark() === 2, 'the repeat is done');
  assert.equal(h.receipts.length, 1);
  await h.stop(b);
});

test('an older row that cannot be tombstoned keeps the newest in place: no attempt that was counted is made again', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { state: EndpointState.DISABLED, pending: PendingPolicy.KEEP });
  h.endpointsAnswer(({ attempt }) => (attempt === 1 ? 429 : 200));
  h.deliver('order-1', 'shop');
  const a = await h.start('a');
  await h.until(() => h.rows('retry.14d').length === 1, 'it waits for its endpoint');
  const mend = h.kafka.onProduce(({ topic, records }) =>
    topic === 'postrider.retry.14d' && records.some(({ value }) => value === null)
      ? { kind: 'lose-request' }
      : undefined,
  );
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  await h.until(() => h.receipts.length === 2, 'the second attempt, from a row in another tier');
  await h.clock.advance(5_000);
  assert.equal(h.rows('retry.1m').length, 1);
  a.port.kill();
  mend();
  const b = await h.start('b');
  await h.until(() => h.allRows().length === 0, 'it ends');
  assert.deepEqual(
    h.receipts.map(({ attempt }) => attempt),
    [1, 2, 2],
  );
  await h.stop(b);
});

test('a process that stood still and wakes up sends nothing more of what others took over', async () => {
  const h = createHarness();
  configure(h);
  publish(h, 60);
  const a = await h.start('a');
  await h.until(() => h.receipts.length >= 5, 'a sends');
  a.port.freeze();
  const b = await h.start('b');
  await allDone(h, 60);
  const before = h.receipts.length;
  const byA = h.receipts.filter(({ process }) => process === 'a').length;
  a.port.thaw();
  await h.clock.advance(120_000);
  assert.equal(h.receipts.filter(({ process }) => process === 'a').length, byA);
  assert.equal(h.receipts.length, before);
  assertEach(h, 60, () => 2);
  await h.stop(b);
  await h.stop(a);
});

test("a router's repeat across a takeover is known by its id and starts nothing", async () => {
  const h = createHarness();
  configure(h);
  publish(h, 30);
  const a = await h.start('a');
  await allDone(h, 30);
  await h.stop(a);
  publish(h, 30);
  const b = await h.start('b');
  await h.until(() => h.watermark() === 50 && h.watermark(0, 'deliveries.bulk') === 10, 'the repeats are done');
  for (let i = 0; i < 30; i += 1) assert.equal(successes(h, `order-${i}`), 1);
  await h.stop(b);
});

test('while what has ended cannot be written down, nothing more starts than a crash may repeat', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays }, limits: { concurrencyMax: 64 } });
  h.endpointsAnswer(({ attempt }) => (attempt === 1 ? 429 : 200));
  const count = 100;
  for (let i = 0; i < count; i += 1) h.deliver(`order-${i}`, 'shop');
  const mend = h.kafka.onProduce(({ topic }) =>
    topic === 'postrider.retry.1m' ? { kind: 'lose-request' } : undefined,
  );
  const a = await h.start('a', { inFlightMax: 40 });
  await h.clock.advance(10_000);
  // A request may be in flight when the last place is taken: at most as many again.
  assert.ok(h.receipts.length >= 40 && h.receipts.length < 80, `${h.receipts.length} requests`);
  assert.equal(h.attempts().length, h.receipts.length);
  mend();
  await h.until(() => h.watermark() === count && h.allRows().length === 0, 'all are delivered', 600_000);
  assert.equal(h.receipts.length, 2 * count);
  await h.stop(a);
});

for (const [what, low, appended] of [
  ['is below what retention has left', 4, 5],
  ['is above the end of a topic that was made anew', 0, 0],
] as const) {
  test(`a takeover whose position ${what} raises an alarm`, async () => {
    const h = createHarness();
    h.config.endpoint('shop');
    if (appended === 0) {
      const value = encodeProgress({
        ...{ epoch: 0, number: 1, processId: 'before', released: true, tiers: new Map(), holds: [] },
        intake: new Map([['deliveries', { watermark: 7, doneAbove: Buffer.alloc(0) }]]),
      });
      const claim = encodeClaim({ processId: 'before', randomId: Buffer.alloc(16), followsEpoch: -1 });
      h.kafka.append('postrider.ownership', 0, { key: Buffer.from('owner'), value: claim });
      h.kafka.append('postrider.ownership', 0, { key: Buffer.from('progress'), value });
    } else {
      h.deliver('order-0', 'shop');
      const a = await h.start('a');
      await h.until(() => h.watermark() === 1, 'one is done');
      await h.stop(a);
      for (let i = 1; i <= appended; i += 1) h.deliver(`order-${i}`, 'shop');
      const port = h.kafka.connect('admin');
      await port.admin.deleteRecords([{ topic: 'postrider.deliveries', partition: 0, offset: low }]);
    }
    const b = await h.start('b');
    const told = (text: string) =>
      h.log.lines.filter(({ message, fields }) => message.includes(text) && fields['process'] === 'b');
    await h.until(() => told('partition.serving').length === 1, 'it serves');
    assert.equal(told('are gone').length, 1);
    await h.stop(b);
  });
}
