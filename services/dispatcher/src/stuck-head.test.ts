/** Full offset ranges, on the fake Kafka: which deliveries are put to free them. Observed: receipts, and rows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { wholeEndpoint } from '../testing/ordered.ts';
import { createHarness, failed, type Answer, type Harness } from '../testing/harness.ts';

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

/**
 * Sends to the endpoints in turn, so much a second; what goes to those that are sick has `extra`. Returns how long the slowest delivery to
 * one that is well took (ms); all of those must arrive.
 */
async function slowestOf(h: Harness, endpoints: readonly string[], perSecond: number, seconds: number, extra = {}) {
  const sent = new Map<string, number>();
  const perStep = perSecond / 20;
  for (let number = 0; number < seconds * perSecond; number += 1) {
    const id = endpoints[number % endpoints.length] as string;
    const delivery = h.deliver(`event-${number}`, id, id.startsWith('sick') ? extra : {});
    if (id.startsWith('well')) sent.set(delivery, h.clock.now());
    if (number % perStep === perStep - 1) await h.clock.advance(50);
  }
  await h.clock.advance(1_000);
  const arrived = h.receipts.filter(({ webhookId }) => sent.has(webhookId));
  assert.equal(arrived.length, sent.size);
  return Math.max(...arrived.map(({ webhookId, at }) => at - (sent.get(webhookId) ?? 0)));
}

/** The same of 40 s in which so many of ten endpoints are sick. */
async function slowestBeside(sickOfTen: number, sick: Answer, perSecond: number, count = 40, extra = {}) {
  const h = createHarness();
  const endpoints = Array.from({ length: count }, (_, i) => `${i % 10 < sickOfTen ? 'sick' : 'well'}${i}`);
  for (const id of endpoints) h.config.endpoint(id);
  h.endpointsAnswer(({ path }) => (path.startsWith('/sick') ? sick : 200));
  const dispatcher = await h.start('a');
  const slowest = await slowestOf(h, endpoints, perSecond, 40, extra);
  await h.stop(dispatcher);
  return slowest;
}

const refused = failed('connection_refused', 'endpoint', 1);

for (const [what, sickOfTen, answer] of [
  ['some endpoints answer nothing', 1, 'hang'],
  ['most endpoints answer nothing', 6, 'hang'],
  ['some endpoints refuse all', 3, refused],
  ['some endpoints take three seconds for each', 1, { afterMs: 3_000, status: 200 }],
] as const)
  test(`a partition of which much is read is read on while ${what}`, async () => {
    assert.ok((await slowestBeside(sickOfTen, answer, 800)) < 100);
    assert.ok((await slowestBeside(sickOfTen, answer, 2_400)) < 100);
  });

test('a partition of which much is read is read on while endpoints with an order answer nothing', async () => {
  assert.ok((await slowestBeside(6, 'hang', 2_400, 40, wholeEndpoint)) < 100);
});

test('a partition of which much is read is read on while more endpoints answer nothing than have a part of the pod', async () => {
  assert.ok((await slowestBeside(3, 'hang', 1_000, 1_000)) < 100);
});

test('one request that hangs holds up nobody, though its endpoint could be sent more', async () => {
  const h = createHarness();
  const endpoints = Array.from({ length: 40 }, (_, i) => `well${i}`);
  for (const id of endpoints) h.config.endpoint(id);
  h.config.endpoint('seldom', { limits: { timeout: { seconds: 30n } } });
  let hangs = false;
  h.endpointsAnswer(({ path }) => (path === '/seldom' && hangs ? 'hang' : { afterMs: 150, status: 200 }));
  const dispatcher = await h.start('a');
  for (let i = 0; i < 40; i += 1) h.deliver(`seldom-${i}`, 'seldom');
  for (let i = 0; i < 800; i += 1) h.deliver(`early-${i}`, endpoints[i % endpoints.length] as string);
  await h.clock.advance(20_000);
  hangs = true;
  h.deliver('hangs', 'seldom');
  assert.ok((await slowestOf(h, endpoints, 2_400, 20)) < 200);
  await h.stop(dispatcher);
});

test('a backlog of which most is for endpoints that answer nothing holds up the others no longer than it takes to know that', async () => {
  const h = createHarness();
  const endpoints = Array.from({ length: 40 }, (_, i) => `${i % 10 < 6 ? 'hangs' : 'well'}${i}`);
  for (const id of endpoints) h.config.endpoint(id);
  h.endpointsAnswer(({ path }) => (path.startsWith('/hangs') ? 'hang' : 200));
  for (let i = 0; i < 14_000; i += 1) h.deliver(`order-${i}`, endpoints[i % endpoints.length] as string);
  const dispatcher = await h.start('a');
  const arrived = () => h.receipts.filter(({ path }) => path.startsWith('/well')).length;
  await h.until(() => arrived() === 5_600, 'those that are well are served', 4_000);
  await h.stop(dispatcher);
});

test('what is read for an endpoint that answers nothing is put as it is read as soon as a quarter of the range is used, and not before', async () => {
  const h = createHarness();
  h.config.endpoint('hangs');
  h.config.endpoint('shop', { limits: { concurrencyMax: 256 } });
  h.endpointsAnswer(({ path }) => (path === '/hangs' ? 'hang' : 200));
  const dispatcher = await h.start('a');
  for (let i = 0; i < 100; i += 1) h.deliver(`early-${i}`, 'hangs');
  for (let i = 0; i < 2_300; i += 1) h.deliver(`fast-${i}`, 'shop');
  await h.clock.advance(5_000);
  h.deliver('before', 'hangs');
  for (let i = 0; i < 200; i += 1) h.deliver(`more-${i}`, 'shop');
  await h.clock.advance(100);
  assert.equal(rowsWritten(h), 0);
  for (let i = 0; i < 10; i += 1) h.deliver(`late-${i}`, 'hangs');
  await h.clock.advance(100);
  assert.equal(rowsWritten(h), 10);
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
  for (let i = 0; i < 7_000; i += 1) h.deliver(`fast-${i}`, 'shop');
  const dispatcher = await h.start('a');
  await h.until(() => h.watermark() === 7_001, 'all are delivered', 60_000);
  assert.equal(tries, 1);
  assert.deepEqual([h.deadLetters().length, served(h, '/hangs')], [0, 1]);
  await h.stop(dispatcher);
});
