/** What a dispatcher does before it owns anything, on the fake Kafka and the fake clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHarness } from '../testing/harness.ts';

test('a dispatcher that starts while Kafka is down waits, says so, and delivers when it is there', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.deliver('order-1', 'shop');
  h.kafka.brokerDown();
  h.clock.after(30_000, () => h.kafka.brokerUp());
  const dispatcher = await h.start('a');
  assert.ok(h.log.lines.some(({ message }) => message.includes('waits for Kafka')));
  await h.until(() => h.watermark() === 1, 'it is delivered');
  await h.stop(dispatcher);
});

test('topics that cannot keep the promises are refused with all their problems', async () => {
  const h = createHarness({
    topicConfig: {
      'postrider.retry.1m': { 'min.compaction.lag.ms': '0' },
      'postrider.ownership': { 'cleanup.policy': 'delete' },
    },
  });
  await assert.rejects(h.start('a'), (error: unknown) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, /postrider\.retry\.1m.*min\.compaction\.lag\.ms/);
    assert.match(error.message, /postrider\.ownership.*cleanup\.policy/);
    return true;
  });
});
