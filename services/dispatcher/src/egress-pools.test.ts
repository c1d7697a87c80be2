/**
 * A dispatcher on the fake Kafka whose egress pools open and close as the test says. What may be observed: what endpoints
 * received, what stands on the topics, what readiness and the log say.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { limits } from '@postrider/core';
import { createHarness, failed, type Harness } from '../testing/harness.ts';
import type { EgressPools, Send } from './service.ts';

/** Pools that are open or closed as the test says. */
function createPools(...names: readonly string[]) {
  const listeners = new Set<() => void>();
  const closed = new Map<string, string>();
  const pools: EgressPools = {
    isOpen: (name) => names.includes(name) && !closed.has(name),
    states: () =>
      names.map((name) => ({
        name,
        open: !closed.has(name),
        problems: closed.has(name) ? [`${closed.get(name)}`] : [],
      })),
    onChange(callback) {
      listeners.add(callback);
      return () => void listeners.delete(callback);
    },
  };
  const change = (apply: () => void) => {
    apply();
    for (const listener of listeners) listener();
  };
  return {
    pools,
    close: (name: string, why: string) => change(() => closed.set(name, why)),
    open: (name: string) => change(() => closed.delete(name)),
  };
}

const paths = (h: Harness) => h.receipts.map(({ path }) => path);

test('deliveries of a pool that is closed wait, those of others do not, and all are delivered once it is open', async () => {
  const h = createHarness();
  const { pools, close, open } = createPools('default', 'partners');
  h.config.endpoint('shop');
  h.config.endpoint('bank', { egressPool: 'egressPools/partners' });
  const dispatcher = await h.start('a', {}, { pools });
  close('partners', '10.0.0.7: is not an address of this machine');
  for (const event of ['one', 'two', 'three']) {
    h.deliver(event, 'bank');
    h.deliver(event, 'shop');
  }
  await h.until(() => h.receipts.length === 3, 'the other endpoint is served');
  await h.clock.advance(3_600_000);
  assert.deepEqual(paths(h), ['/shop', '/shop', '/shop']);
  assert.deepEqual(dispatcher.leaving(), {
    ok: false,
    reason: 'nothing can leave from egress pool partners (10.0.0.7: is not an address of this machine)',
    detail: { partners: ['10.0.0.7: is not an address of this machine'] },
  });
  assert.ok(dispatcher.ready().ok);
  const lines = h.log.lines.filter(({ message }) => message.startsWith('egress-pool.closed'));
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields['pool']]),
    [['error', 'partners']],
  );
  open('partners');
  await h.until(() => h.watermark() === 6, 'everything is done');
  assert.equal(paths(h).filter((path) => path === '/bank').length, 3);
  assert.ok(dispatcher.leaving().ok);
  // Nothing was tried in vain meanwhile.
  assert.equal(h.attempts().length, 6);
  assert.deepEqual(
    new Set(h.attempts().map(({ egressPool, number }) => `${egressPool} ${number}`)),
    new Set(['egressPools/default 1', 'egressPools/partners 1']),
  );
  await h.stop(dispatcher);
});

test('a retry that falls due while the pool is closed waits too', async () => {
  const h = createHarness();
  const { pools, close, open } = createPools('default');
  h.config.endpoint('shop');
  h.endpointsAnswer((_, earlier) => (earlier === 0 ? 500 : 200));
  h.deliver('one', 'shop');
  const dispatcher = await h.start('a', {}, { pools });
  await h.until(() => h.allRows().length === 1, 'it waits for its second attempt');
  close('default', 'gone');
  await h.clock.advance(3_600_000);
  assert.equal(h.receipts.length, 1);
  open('default');
  await h.until(() => h.watermark() === 1 && h.allRows().length === 0, 'it is delivered');
  assert.equal(h.receipts.length, 2);
  await h.stop(dispatcher);
});

test('a retry that waits for a closed pool ends by its expiry', async () => {
  const h = createHarness();
  const { pools, close } = createPools('default');
  h.config.endpoint('shop');
  h.endpointsAnswer(() => 500);
  const expiresAt = h.clock.now() + 600_000;
  h.deliver('one', 'shop', { expiresAt: new Date(expiresAt) });
  const dispatcher = await h.start('a', {}, { pools });
  await h.until(() => h.allRows().length === 1, 'it waits for its second attempt');
  close('default', 'gone');
  await h.until(() => h.deadLetters().length === 1, 'it has expired', 900_000);
  const [{ letter } = assert.fail()] = h.deadLetters();
  assert.equal(letter.reason, DeadReason.EXPIRED);
  assert.ok((letter.time?.getTime() ?? Infinity) - expiresAt < 31_000);
  assert.equal(h.receipts.length, 1);
  await h.stop(dispatcher);
});

test('a pool that nobody defined here keeps its deliveries, over a restart, until somebody does', async () => {
  const h = createHarness();
  h.config.endpoint('bank', { egressPool: 'egressPools/partners' });
  h.deliver('one', 'bank');
  const first = await h.start('a', {}, createPools('default'));
  await h.clock.advance(60_000);
  await h.stop(first);
  assert.deepEqual(h.receipts, []);
  const second = await h.start('b', {}, createPools('default', 'partners'));
  await h.until(() => h.watermark() === 1, 'it is delivered');
  assert.deepEqual(paths(h), ['/bank']);
  await h.stop(second);
});

test('what the way out refuses uses no attempt and never ends the delivery, however often', async () => {
  const h = createHarness();
  h.config.endpoint('shop', { retryPolicy: { schedule: undefined, jitter: 0 } });
  let refusals = 0;
  const wrapSend =
    (send: Send): Send =>
    (request, done) => {
      if (refusals < 2 * limits.internalFailuresMax) {
        refusals += 1;
        h.clock.after(1, () => done(failed('proxy_unavailable', 'ours')));
      } else send(request, done);
    };
  h.deliver('one', 'shop');
  const dispatcher = await h.start('a', {}, { wrapSend });
  await h.until(() => h.receipts.length === 1, 'it arrives', 86_400_000);
  await h.until(() => h.watermark() === 1 && h.allRows().length === 0, 'it is done');
  assert.equal(h.receipts[0]?.attempt, 1);
  assert.deepEqual(h.deadLetters(), []);
  const outcomes = h.attempts().map(({ outcome, number, code }) => `${outcome} ${number} ${code}`);
  assert.equal(outcomes.at(-1), `${Outcome.DELIVERED} 1 ok`);
  assert.deepEqual(new Set(outcomes.slice(0, -1)), new Set([`${Outcome.INTERNAL_ERROR} 0 proxy_unavailable`]));
  assert.equal(outcomes.length, 2 * limits.internalFailuresMax + 1);
  await h.stop(dispatcher);
});
