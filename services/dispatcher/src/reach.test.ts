/** A process that is cut off from its endpoints, on the fake Kafka. Observed: receipts, attempts, what readiness says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { createHarness, failed, type Harness } from '../testing/harness.ts';
import { every } from '../testing/retry-delays.ts';

const second = 1_000;
const minute = 60 * second;
const refused = failed('connection_refused', 'endpoint');
const delays = every(5, 50);

/** So many tenants with so many endpoints each, all of which have answered once. */
async function setUp(tenants: number, endpoints: number) {
  const h = createHarness();
  const ids: { id: string; tenant: string }[] = [];
  for (let t = 0; t < tenants; t += 1) {
    const tenant = `tenant-${t}`;
    h.config.tenant(tenant);
    for (let e = 0; e < endpoints; e += 1) {
      const id = `e${t}-${e}`;
      h.config.endpoint(id, {
        of: tenant,
        url: `https://${id}.example.com/${id}`,
        retryPolicy: { schedule: delays, jitter: 0 },
      });
      ids.push({ id, tenant });
    }
  }
  let count = 0;
  /** One delivery for each of them. */
  const deliver = (which = ids): void => {
    for (const { id, tenant } of which) h.deliver(`order-${(count += 1)}`, id, { tenant });
  };
  deliver();
  const dispatcher = await h.start('a');
  await h.until(() => h.receipts.length === ids.length, 'all have answered');
  await h.clock.advance(40 * second);
  return { h, dispatcher, ids, deliver };
}

const used = (h: Harness) => h.attempts().filter(({ number, outcome }) => number > 0 && outcome !== Outcome.DELIVERED);
const failing = (h: Harness) => h.operations().filter(({ type }) => type === 'postrider.endpoint.failing');

test('cut off from everybody, it takes nothing in, uses no attempt, and asks once a second; then all goes on', async () => {
  const { h, dispatcher, ids, deliver } = await setUp(4, 5);
  h.endpointsAnswer(() => refused);
  deliver();
  await h.until(() => !dispatcher.reaching().ok, 'it is cut off', 10 * second);
  const usedBefore = used(h).length;
  assert.ok(usedBefore <= ids.length, `${usedBefore} attempts`);
  await h.clock.advance(5 * second);
  const before = h.receipts.length;
  // As many as a partition of its work would be: none of them is taken in.
  for (let i = 0; i < 5; i += 1) deliver();
  await h.clock.advance(60 * second);
  const asked = h.receipts.length - before;
  assert.ok(asked >= 55 && asked <= 61, `${asked} requests in a minute`);
  assert.equal(used(h).length, usedBefore);
  assert.deepEqual(failing(h), []);
  assert.equal(h.receipts.filter(({ attempt }) => attempt > 2).length, 0);

  h.endpointsAnswer(() => 200);
  await h.until(() => dispatcher.reaching().ok, 'it is over', 3 * second);
  await h.until(() => h.watermark() === 7 * ids.length && h.allRows().length === 0, 'all are delivered', 15 * second);
  assert.deepEqual(h.deadLetters(), []);
  await h.stop(dispatcher);
});

test('hundreds of dead endpoints of one tenant are its own affair: everybody else is served', async () => {
  const { h, dispatcher, ids, deliver } = await setUp(1, 300);
  for (const tenant of ['one', 'two']) {
    h.config.tenant(tenant);
    h.config.endpoint(tenant, { of: tenant, url: `https://${tenant}.example.com/${tenant}` });
  }
  h.endpointsAnswer(({ path }) => (path === '/one' || path === '/two' ? 200 : refused));
  let others = 0;
  for (let round = 0; round < 10; round += 1) {
    deliver(ids);
    for (const tenant of ['one', 'two']) h.deliver(`other-${(others += 1)}`, tenant, { tenant });
    await h.clock.advance(4 * second);
    assert.ok(dispatcher.reaching().ok);
  }
  const served = h.receipts.filter(({ path }) => path === '/one' || path === '/two');
  assert.equal(served.length, others);
  await h.stop(dispatcher);
});

test('breakers that opened before it was known let one request ask at once', async () => {
  const { h, dispatcher, ids, deliver } = await setUp(10, 1);
  h.endpointsAnswer(() => refused);
  // Ten deliveries of one endpoint open its breaker before the others fail.
  for (let i = 0; i < 12; i += 1) deliver(ids.slice(0, 1));
  await h.until(() => failing(h).length === 1, 'its breaker is open');
  deliver();
  await h.until(() => !dispatcher.reaching().ok, 'it is cut off', 10 * second);
  h.endpointsAnswer(() => 200);
  const healedAt = h.clock.now();
  await h.until(() => h.watermark() === 32 && h.allRows().length === 0, 'all are delivered', minute);
  assert.ok(h.clock.now() - healedAt < 15 * second, `${h.clock.now() - healedAt} ms`);
  await h.stop(dispatcher);
});

test('stopped while it is cut off, it stops in order, and the next owner delivers', async () => {
  const { h, dispatcher, ids, deliver } = await setUp(4, 5);
  h.endpointsAnswer(() => refused);
  deliver();
  await h.until(() => !dispatcher.reaching().ok, 'it is cut off', 10 * second);
  await h.stop(dispatcher);
  h.endpointsAnswer(() => 200);
  const next = await h.start('b');
  await h.until(() => h.watermark() === 2 * ids.length && h.allRows().length === 0, 'all are delivered', minute);
  await h.stop(next);
});
