/** What work of one kind, tenant or endpoint leaves to others, on the fake Kafka. Observed: receipts, rows and watermarks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHarness, type Harness } from '../testing/harness.ts';

const served = (h: Harness, path: string): number => h.receipts.filter((receipt) => receipt.path === path).length;
/** Every row there ever was, whatever became of it. */
const rowsWritten = (h: Harness): number =>
  ['1m', '1h', '14d'].flatMap((tier) => h.kafka.records(`postrider.retry.${tier}`)).length;

test('a burst of 500 for one healthy endpoint stays in memory: no row is written', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  h.endpointsAnswer(() => ({ afterMs: 100, status: 200 }));
  const dispatcher = await h.start('a');
  for (let i = 0; i < 500; i += 1) h.deliver(`order-${i}`, 'shop');
  await h.until(() => h.watermark() === 500, 'all are delivered', 60_000);
  assert.equal(rowsWritten(h), 0);
  await h.stop(dispatcher);
});

test('bulk work that hangs everywhere leaves live work its requests, at endpoints of its own and at others', async () => {
  const h = createHarness();
  const replayed = 30;
  for (let i = 0; i < replayed; i += 1) h.config.endpoint(`replay${i}`);
  h.config.endpoint('shop');
  h.endpointsAnswer(({ path }) => (path.startsWith('/replay') ? 'hang' : 200));
  for (let i = 0; i < 20 * replayed; i += 1) h.deliver(`old-${i}`, `replay${i % replayed}`, { bulk: true });
  const dispatcher = await h.start('a', { inFlightMax: 20 });
  await h.until(() => h.receipts.length === 5, 'bulk work has what endpoints that never answered may have', 5_000);
  for (let i = 0; i < 50; i += 1) h.deliver(`new-${i}`, 'shop');
  await h.until(() => served(h, '/shop') === 50, 'live work is served', 2_000);
  await h.stop(dispatcher);
});

test('bulk work that may not start fills its own part of the memory, and is read no further; live work is', async () => {
  const h = createHarness();
  h.config.endpoint('replay');
  h.config.endpoint('shop');
  h.endpointsAnswer(({ path }) => (path === '/replay' ? { afterMs: 900, status: 200 } : 200));
  const body = JSON.stringify({ padding: 'x'.repeat(250_000) });
  const dispatcher = await h.start('a');
  for (let i = 0; i < 400; i += 1) h.deliver(`old-${i}`, 'replay', { bulk: true, body });
  h.deliver('new', 'shop');
  await h.until(() => served(h, '/shop') === 1, 'live work is read', 1_000);
  assert.equal(rowsWritten(h), 0);
  await h.until(() => served(h, '/replay') === 400, 'bulk work goes on', 600_000);
  await h.stop(dispatcher);
});

test('endpoints that never answer do not fill the memory: nobody else waits for its delivery to be read', async () => {
  const h = createHarness();
  const lanes = 20;
  for (let i = 0; i < lanes; i += 1) h.config.endpoint(`dead${i}`);
  h.config.endpoint('shop');
  h.endpointsAnswer(({ path }) => (path === '/shop' ? 200 : 'hang'));
  const body = JSON.stringify({ padding: 'x'.repeat(250_000) });
  const dispatcher = await h.start('a');
  // 25 MB a second: the memory would be full within a few.
  for (let time = 0; time < 40; time += 1) {
    for (let i = 0; i < 50; i += 1) h.deliver(`lost-${time}-${i}`, `dead${i % lanes}`, { body });
    h.deliver(`order-${time}`, 'shop');
    await h.until(() => served(h, '/shop') === time + 1, `what comes after ${time} times half a second is served`, 200);
    await h.clock.advance(500);
  }
  await h.stop(dispatcher);
});

test('memory that is full of what endpoints work off is no reason to put anything', async () => {
  const h = createHarness();
  const lanes = 20;
  for (let i = 0; i < lanes; i += 1) h.config.endpoint(`shop${i}`);
  h.endpointsAnswer(() => ({ afterMs: 900, status: 200 }));
  const body = JSON.stringify({ padding: 'x'.repeat(250_000) });
  for (let i = 0; i < 600; i += 1) h.deliver(`order-${i}`, `shop${i % lanes}`, { body });
  const dispatcher = await h.start('a');
  await h.until(() => h.watermark() === 600, 'all are delivered', 120_000);
  assert.equal(rowsWritten(h), 0);
  await h.stop(dispatcher);
});
