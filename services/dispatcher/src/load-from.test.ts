/**
 * From where tiers are loaded, with whole dispatchers on the fake Kafka and the fake clock. What may be observed: what
 * endpoints received, and what stands on the topics.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@postrider/core';
import { createHarness } from '../testing/harness.ts';

const HALF_AN_HOUR_MS = 2 * (limits.lateWriteMs + 60_000);

test('who takes over after an hour of retries loads the last half hour, and tries what waits when it is due', async () => {
  const h = createHarness();
  const delays = Array.from({ length: 100 }, () => ({ seconds: 50n, nanos: 0 }));
  h.config.endpoint('shop', { retryPolicy: { schedule: { $case: 'delays', value: { delays } }, jitter: 0 } } as never);
  // An answer that opens no breaker: every delivery is tried each time that it is due.
  h.endpointsAnswer(() => 429);
  const a = await h.start('a');
  for (let i = 0; i < 40; i += 1) h.deliver(`e${i}`, 'shop');
  await h.clock.advance(2 * HALF_AN_HOUR_MS);
  const tier = h.kafka.records('postrider.retry.1m');
  const from = h.ownership().progress?.tiers.get('retry.1m') ?? 0;
  const readAgain = tier.filter(({ offset }) => offset >= from).length;
  assert.ok(tier.length > 2_500, `${tier.length} records of retries`);
  assert.ok(readAgain < 0.75 * tier.length, `${readAgain} of ${tier.length} are read again`);
  assert.equal(h.rows('retry.1m').length, 40);

  a.port.kill();
  h.endpointsAnswer(() => 200);
  const before = h.receipts.length;
  const b = await h.start('b');
  await h.until(() => h.allRows().length === 0, 'everything is delivered', 600_000);
  const delivered = h.receipts.slice(before);
  assert.equal(new Set(delivered.map(({ webhookId }) => webhookId)).size, 40);
  assert.ok(
    delivered.every(({ attempt }) => attempt > 60),
    'attempts are counted on',
  );
  await h.stop(b);
});
