/** Dispatchers whose scratch disk has no room, on the fake Kafka and the fake clock. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createHarness } from '../testing/harness.ts';
import { delays } from '../testing/three-endpoints.ts';

const storeDir = mkdtempSync(join(tmpdir(), 'store-lost-'));
after(() => rmSync(storeDir, { recursive: true, force: true }));

test('a store on disk that is lost again and again costs time and no delivery, and the file is gone in the end', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer(({ attempt }) => (attempt === 1 ? 429 : 200));
  const count = 400;
  for (let i = 0; i < count; i += 1) h.deliver(`order-${i}`, 'shop');
  const a = await h.start('a', { storeDir, storeBytesMax: 50_000 });
  const lost = () => h.log.lines.filter(({ message }) => message.includes('store of waiting deliveries is lost'));
  await h.until(() => lost().length >= 1, 'the store is lost');
  await h.until(() => h.watermark() === count && h.allRows().length === 0, 'all are delivered', 900_000);
  for (let i = 0; i < count; i += 1) assert.ok(h.received(`order-${i}`).length >= 2);
  assert.ok(lost().every(({ fields }) => fields['where'] === 'disk'));
  await h.stop(a);
  assert.deepEqual(readdirSync(storeDir), []);
});

test('rows on disk are what was put: every retry of every delivery carries its own body', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: delays } });
  h.endpointsAnswer(({ attempt }) => (attempt <= 2 ? 429 : 200));
  const count = 200;
  for (let i = 0; i < count; i += 1) h.deliver(`order-${i}`, 'shop', { body: `body of ${i}` });
  const a = await h.start('a', { storeDir });
  await h.until(() => h.watermark() === count && h.allRows().length === 0, 'all are delivered', 900_000);
  for (let i = 0; i < count; i += 1)
    assert.deepEqual(
      h.received(`order-${i}`).map(({ attempt, body }) => [attempt, body]),
      [1, 2, 3].map((attempt) => [attempt, `body of ${i}`]),
    );
  await h.stop(a);
});
