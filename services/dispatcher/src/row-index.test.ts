import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deliveryId } from '@postrider/core';
import { tenant } from '../testing/test-records.ts';
import { createLane, type Lane } from './lane.ts';
import { NO_ROW, RowIndex, mark } from './row-index.ts';

const owner = { mayStart: () => true, start: () => true, takeDue: () => undefined };
const keys = [...Array.from({ length: 20 }, (_, i) => deliveryId(`msg_${i}`, 'ep')), 'odd', '', 'dlv_1'];

interface Modelled {
  readonly row: number;
  readonly lane: number;
  readonly origin: number;
  readonly dueAt: number;
  waits: boolean;
  ready: boolean;
}

test('rows are found by key, woken by time and started by age, whatever came and went before', () => {
  const steps = fc.array(
    fc.record({
      what: fc.constantFrom('add', 'remove', 'wait', 'ready', 'leave'),
      key: fc.nat(keys.length - 1),
      lane: fc.nat(2),
      origin: fc.nat(50),
      dueAt: fc.nat(50),
    }),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(steps, (plan) => {
      const rows = new RowIndex();
      const lanes = [0, 1, 2].map((i) => createLane(owner, `ep_${i}`, tenant));
      const model = new Map<string, Modelled>();
      for (const { what, key: index, ...facts } of plan) {
        const key = keys[index] as string;
        const known = model.get(key);
        assert.equal(rows.find(key), known?.row ?? NO_ROW);
        if (what === 'add' && known === undefined) {
          const row = rows.add(key);
          const origin = { bulk: false, offset: facts.origin };
          rows.describe(row, {
            ...facts,
            lane: lanes[facts.lane] as Lane,
            origin,
            order: null,
            expiresAt: 100,
            bytes: 1,
          });
          rows.setVersion(row, 'retry.1h', { epoch: facts.origin, n: index });
          model.set(key, { row, ...facts, waits: false, ready: false });
        } else if (what === 'remove' && known !== undefined) {
          rows.remove(known.row);
          model.delete(key);
        } else if (what === 'wait' && known !== undefined) {
          rows.wait(known.row);
          known.waits = true;
        } else if (what === 'ready' && known?.waits === true) {
          rows.ready(known.row);
          known.ready = true;
        } else if (what === 'leave' && known !== undefined) {
          rows.leave(known.row);
          known.waits = known.ready = false;
        }
      }
      agree(rows, lanes, model);
    }),
  );
});

/** Everything the index can tell agrees with the model. */
function agree(rows: RowIndex, lanes: readonly Lane[], model: ReadonlyMap<string, Modelled>): void {
  assert.equal(rows.size, model.size);
  for (const [key, { row, lane, origin, dueAt }] of model) {
    assert.equal(rows.find(key), row);
    assert.equal(rows.keyOf(row), key);
    assert.equal(rows.laneOf(row), lanes[lane]);
    assert.deepEqual([rows.tierOf(row), rows.epochOf(row), rows.n.get(row)], ['retry.1h', origin, keys.indexOf(key)]);
    assert.deepEqual([rows.origin.get(row), rows.dueAt.get(row)], [origin, dueAt]);
  }
  lanes.forEach((lane, index) => {
    const mine = [...model.values()].filter((one) => one.lane === index);
    assert.equal(lane.rows.held, mine.length);
    const waiting = mine.filter(({ waits }) => waits).map(({ row }) => row);
    const chain: number[] = [];
    for (let row = lane.rows.first; row !== NO_ROW; row = rows.next.get(row)) chain.push(row);
    assert.deepEqual(new Set(chain), new Set(waiting));
    assert.equal(chain.length, waiting.length);
    assert.equal(lane.rows.waiting, waiting.length);
    assert.equal(lane.rows.last, chain.at(-1) ?? NO_ROW);
    const ready = mine.filter((one) => one.ready).map(({ row }) => row);
    const oldestFirst = ready.toSorted((a, b) => rows.origin.get(a) - rows.origin.get(b) || a - b);
    const started: number[] = [];
    for (let row = lane.rows.ready?.top ?? NO_ROW; row !== NO_ROW; row = lane.rows.ready?.top ?? NO_ROW) {
      started.push(row);
      rows.leave(row);
    }
    assert.deepEqual(started, oldestFirst);
  });
  const timed = [...model.values()].filter(({ waits, ready }) => waits && !ready);
  const woken: number[] = [];
  while (rows.wake.size > 0) woken.push(rows.dueAt.get(rows.wake.pop()));
  assert.deepEqual(
    woken,
    timed.map(({ dueAt }) => dueAt).toSorted((a, b) => a - b),
  );
}

test('a row that is being loaded counts for nothing until it is loaded', () => {
  const rows = new RowIndex();
  const key = keys[0] as string;
  const loading = rows.add(key, mark.loading);
  rows.setVersion(loading, 'retry.1m', { epoch: 3, n: 4 });
  assert.equal(rows.find(key), NO_ROW);
  assert.equal(rows.findLoading(key, 'retry.1h'), NO_ROW);
  const main = rows.add(key);
  assert.deepEqual([rows.find(key), rows.findLoading(key, 'retry.1m'), rows.size], [main, loading, 1]);
  rows.remove(main);
  rows.loaded(loading);
  assert.deepEqual([rows.find(key), rows.findLoading(key, 'retry.1m'), rows.size], [loading, NO_ROW, 1]);
});

test('many thousand rows are found again after growing, and take little memory each', () => {
  const rows = new RowIndex();
  const count = 20_000;
  const key = (i: number) => deliveryId(`msg_${i}`, 'ep');
  const added = Array.from({ length: count }, (_, i) => rows.add(key(i)));
  for (let i = 0; i < count; i += 2) rows.remove(added[i] as number);
  for (let i = 0; i < count; i += 1) assert.equal(rows.find(key(i)), i % 2 === 0 ? NO_ROW : added[i]);
  for (let i = 0; i < count; i += 2) rows.add(key(i));
  assert.ok(rows.bytes / count < 110, `${rows.bytes / count} bytes a row`);
});
