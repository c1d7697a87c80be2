/** Full offset ranges, on the fake Kafka: which deliveries are put to free them. Observed: receipts, and rows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { createHarness, type Harness } from '../testing/harness.ts';

const served = (h: Harness, path: string) => h.receipts.filter((receipt) => receipt.path === path).length;
const reasons = (h: Harness) => new Set(h.allRows().map(({ delivery }) => delivery.waitReason));
/** Every row there ever was, whatever became of it. */
const rowsWritten = (h: Harness) =>
  ['1m', '1h', '14d'].flatMap((tier) => h.kafka.records(`postrider.retry.${tier}`)).length;

test('a lane that fills half of the range slowly does not hold up what stands behind it', async () => {
  const h = createHarness();
  h.config.endpoint('slow');
  h.config.endpoint('shop', { limits: { concurrencyMax: 256 } });
  h.endpointsAnswer(({ path }) => (path === '/slow' ? { afterMs: 2_000, status: 200 } : 200));
  for (let i = 0; i < 4_900; i += 1) h.deliver(`slow-${i}`, 'slow');
  for (let i = 0; i < 6_000; i += 1) h.deliver(`fast-${i}`, 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => served(h, '/shop') === 6_000, 'the other is served', 15_000);
  assert.ok(served(h, '/slow') < 200);
  assert.ok(reasons(h).has(WaitReason.LANE_FULL));
  await h.stop(dispatcher);
});

test('a backlog that endpoints work off at their own pace is not put, though the range is full', async () => {
  const h = createHarness();
  const lanes = 40;
  for (let i = 0; i < lanes; i += 1) h.config.endpoint(`shop${i}`);
  h.endpointsAnswer(() => ({ afterMs: 400, status: 200 }));
  for (let i = 0; i < 14_000; i += 1) h.deliver(`order-${i}`, `shop${i % lanes}`);
  const dispatcher = await h.start('a');
  await h.until(() => h.watermark() === 14_000, 'all are delivered', 60_000);
  assert.equal(rowsWritten(h), 0);
  await h.stop(dispatcher);
});

test('a guard row that its tier does not take is tried once while its attempt runs', async () => {
  const leastBytes = 320 * 1_024;
  const h = createHarness({ topicConfig: { 'postrider.retry.1m': { 'max.message.bytes': String(leastBytes) } } });
  h.config.endpoint('hangs');
  h.config.endpoint('shop', { limits: { concurrencyMax: 256 } });
  h.endpointsAnswer(({ path }) => (path === '/hangs' ? { afterMs: 14_000, status: 200 } : 200));
  let tries = 0;
  h.kafka.onProduce(({ topic, records }) => {
    if (topic === 'postrider.retry.1m') tries += records.filter(({ value }) => (value?.length ?? 0) > 1_000).length;
    return undefined;
  });
  h.deliver('large', 'hangs', { body: JSON.stringify({ padding: 'x'.repeat(leastBytes) }) });
  for (let i = 0; i < 12_000; i += 1) h.deliver(`fast-${i}`, 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.watermark() === 12_001, 'all are delivered', 60_000);
  assert.equal(tries, 1);
  assert.deepEqual([h.deadLetters().length, served(h, '/hangs')], [0, 1]);
  await h.stop(dispatcher);
});
