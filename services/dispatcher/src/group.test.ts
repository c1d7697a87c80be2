/** The group's part in a dispatcher: stops, commits and mistakes, on the fake Kafka and the fake clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowIndex } from './row-index.ts';
import { createHarness } from '../testing/harness.ts';

test('a stop while Kafka is away and nothing has been started yet takes seconds, not the drain limit', async () => {
  const h = createHarness();
  h.kafka.onProduce(({ topic }) => (topic === 'postrider.ownership' ? { kind: 'lose-request' } : undefined));
  const a = await h.start('a');
  await h.clock.advance(1_000);
  h.kafka.brokerDown();
  const before = h.clock.monotonic();
  await h.stop(a);
  assert.ok(h.clock.monotonic() - before < 10_000, `${h.clock.monotonic() - before} ms`);
});

test('after a stop the group shows all that is done', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  const a = await h.start('a');
  for (let i = 0; i < 7; i += 1) h.deliver(`order-${i}`, 'shop');
  await h.until(() => h.receipts.length === 7, 'all are sent');
  await h.stop(a);
  assert.equal(h.kafka.committed('postrider.dispatcher', 'postrider.deliveries', 0)?.offset, 7);
});

test('a mistake in the work of one partition costs that partition a new takeover, and the process nothing', async (t) => {
  const h = createHarness({ partitions: 2 });
  h.config.endpoint('shop');
  h.config.endpoint('broken');
  h.endpointsAnswer(({ path, attempt }) => (path === '/broken' && attempt === 1 ? 503 : 200));
  let mistakes = 1;
  const { wait } = RowIndex.prototype;
  // What follows from an acknowledgement belongs to no delivery alone.
  t.mock.method(RowIndex.prototype, 'wait', function (this: RowIndex, row: number) {
    if (mistakes-- > 0) throw new Error('a mistake');
    return wait.call(this, row);
  });
  const a = await h.start('a');
  const told = (text: string) => h.log.lines.filter(({ message }) => message.includes(text));
  await h.until(() => told('partition.serving').length === 2, 'it serves');
  h.deliver('order-1', 'broken', { partition: 1 });
  h.deliver('order-2', 'shop', { partition: 0 });
  await h.until(() => told('the work of a partition failed').length === 1, 'the mistake');
  await h.until(() => h.watermark(0) === 1 && h.watermark(1) === 1, 'both are done', 60_000);
  await h.until(() => h.received('order-1').length === 2, 'the one that failed is sent again', 3_600_000);
  assert.equal(h.received('order-1').length, 2);
  assert.equal(h.received('order-2').length, 1);
  assert.equal(told('partition.lost').length, 1);
  await h.stop(a);
});

test('a topic that is made anew under its owner is read from its beginning: what comes in is delivered, not taken for done', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  const a = await h.start('a');
  for (let i = 0; i < 9; i += 1) h.deliver(`before-${i}`, 'shop');
  await h.until(() => h.watermark() === 9, 'all is done');
  h.kafka.truncate('postrider.deliveries', 0, 0);
  for (let i = 0; i < 4; i += 1) h.deliver(`after-${i}`, 'shop');
  await h.until(() => h.receipts.length === 13, 'what came in is sent', 120_000);
  await h.until(() => h.watermark() === 4, 'all is done', 60_000);
  for (let i = 0; i < 4; i += 1) assert.equal(h.received(`after-${i}`).length, 1);
  assert.ok(h.log.lines.some(({ message }) => message.includes('unread records are gone')));
  await h.stop(a);
});
