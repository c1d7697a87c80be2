import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLane, type Lane, type LaneOwner } from './lane.ts';
import { NO_ROW, RowIndex, mark } from './row-index.ts';
import type { WorkOrder } from './work.ts';

const owner: LaneOwner = { mayStart: () => true, start: () => true, takeDue: () => undefined };
const step = fc.record({
  kind: fc.constantFrom('describe', 'load', 'remove'),
  seq: fc.nat(40),
  keyHash: fc.constantFrom(undefined, null, 0n, 7n, 2n ** 64n - 1n),
  givenUp: fc.boolean(),
});

function describe(rows: RowIndex, row: number, lane: Lane, seq: number, order: WorkOrder | null): void {
  rows.describe(row, { lane, order, origin: { bulk: false, offset: seq }, dueAt: 0, expiresAt: 100, bytes: 1 });
}

test('a row is found by its place in order from when it counts until it is gone, and says what place that is', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const rows = new RowIndex();
      const lane = createLane(owner, 'ep_1', 'acme');
      const model = new Map<number, { row: number; order: WorkOrder | null; loading: boolean }>();
      for (const { kind, seq, keyHash, givenUp } of steps) {
        const known = model.get(seq);
        const order = keyHash === undefined ? null : { keyHash, seq, givenUp };
        if (kind === 'remove' && known !== undefined) {
          rows.remove(known.row);
          model.delete(seq);
        } else if (kind === 'describe') {
          const row = known?.row ?? rows.add(`dlv_${seq}`);
          describe(rows, row, lane, seq, order);
          model.set(seq, { row, order, loading: known?.loading ?? false });
        } else if (kind === 'load' && known === undefined) {
          const row = rows.add(`dlv_${seq}`, mark.loading);
          describe(rows, row, lane, seq, order);
          model.set(seq, { row, order, loading: true });
        } else if (kind === 'load' && known?.loading === true) {
          rows.loaded(known.row);
          known.loading = false;
        }
        for (let at = 0; at <= 40; at += 1) {
          const one = model.get(at);
          const counts = one !== undefined && one.order !== null && !one.loading;
          assert.equal(rows.orders.find(at), counts ? one.row : NO_ROW);
          if (one !== undefined) assert.deepEqual(rows.orderOf(one.row), one.order);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('a row that is due and held back is woken by its expiry only, until it is its turn or it waits anew', () => {
  const rows = new RowIndex();
  const lane = createLane(owner, 'ep_1', 'acme');
  const row = rows.add('dlv_1');
  describe(rows, row, lane, 1, null);
  rows.wait(row);
  assert.equal(rows.wakeAt(row), 0);
  rows.holdBack(row);
  assert.equal(rows.wakeAt(row), 100);
  rows.ready(row);
  assert.ok(rows.isReady(row) && !rows.is(row, mark.behind));
  rows.leave(row);
  rows.wait(row);
  assert.equal(rows.wakeAt(row), 0);
});
