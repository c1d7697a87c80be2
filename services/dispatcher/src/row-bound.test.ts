import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHarness } from '../testing/harness.ts';
import { createRowBound } from './row-bound.ts';
import type { Lane } from './lane.ts';

const laneOf = (endpointId: string, held: number) => ({ endpointId, tenant: 'acme', rows: { held } }) as Lane;

test('full from 80 % of the bound on, until half is left; told once a minute, with the five that hold most', () => {
  const lanes = [3, 900, 5, 40, 0, 7, 6].map((held, index) => laneOf(`ep_${index}`, held));
  let rows = 0;
  const told: string[] = [];
  let room = 0;
  const bound = createRowBound((count, largest) => {
    told.push(`${count}: ${largest.map((one) => `${one.endpointId} ${one.rows}`).join()}`);
  }, 1_000);
  bound.add({ rows: () => rows, lanes: () => lanes.slice(3), onRoom: () => (room += 1) });
  const remove = bound.add({ rows: () => 0, lanes: () => lanes.slice(0, 3), onRoom: () => (room += 1) });
  const at = (count: number, ticks = 1): boolean => {
    rows = count;
    for (let i = 0; i < ticks; i += 1) bound.tick();
    return bound.full;
  };
  assert.equal(at(799), false);
  assert.equal(at(800), true);
  assert.deepEqual(told, ['800: ep_1 900,ep_3 40,ep_5 7,ep_6 6,ep_2 5']);
  assert.equal(at(501, 59), true);
  assert.equal(told.length, 1);
  assert.equal(at(501), true);
  assert.equal(told.length, 2);
  assert.equal(at(500), false);
  assert.equal(room, 2);
  remove();
  assert.equal(at(799, 100), false);
  assert.equal(told.length, 2);
});

test('a pod that holds as many rows as it may takes nothing more in, says whose they are, and goes on when there is room', async () => {
  const h = createHarness();
  h.config.endpoint('off', { state: 'ENDPOINT_STATE_DISABLED' });
  h.config.endpoint('shop');
  const dispatcher = await h.start('a', { rowsMax: 100 });
  for (let i = 0; i < 90; i += 1) h.deliver(`kept-${i}`, 'off');
  await h.until(() => h.log.lines.some(({ message }) => message.includes('dispatcher.full')), 'the alarm');
  const alarm = h.log.lines.find(({ message }) => message.includes('dispatcher.full'));
  assert.deepEqual(alarm?.fields['largest'], [{ endpointId: 'ep_off', tenant: 'acme', rows: 90 }]);
  h.deliver('order-1', 'shop');
  await h.clock.advance(30_000);
  assert.equal(h.receipts.length, 0);
  h.config.endpoint('off', { state: 'ENDPOINT_STATE_DISABLED', pending: 'PENDING_POLICY_CANCEL' });
  await h.until(() => h.receipts.length === 1, 'the other is served when there is room', 10_000);
  await h.stop(dispatcher);
});

test('what a takeover finds is loaded, however much it is; nothing more is taken in until there is room', async () => {
  const h = createHarness();
  h.config.endpoint('off', { state: 'ENDPOINT_STATE_DISABLED' });
  h.config.endpoint('shop');
  for (let i = 0; i < 90; i += 1) h.deliver(`kept-${i}`, 'off');
  const a = await h.start('a');
  await h.until(() => h.allRows().length === 90, 'all wait');
  await h.stop(a);
  const b = await h.start('b', { rowsMax: 50 });
  const alarm = () => h.log.lines.find(({ message }) => message.includes('dispatcher.full'))?.fields;
  await h.until(() => alarm() !== undefined, 'the alarm');
  assert.deepEqual(alarm()?.['largest'], [{ endpointId: 'ep_off', tenant: 'acme', rows: 90 }]);
  h.deliver('order-1', 'shop');
  await h.clock.advance(30_000);
  assert.equal(h.receipts.length, 0);
  h.config.endpoint('off', { pending: 'PENDING_POLICY_KEEP' });
  await h.until(() => h.receipts.length === 91 && h.allRows().length === 0, 'all are sent', 60_000);
  await h.stop(b);
});
