/** Whose turn it is, over an index of rows; what is woken is noted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createLane, type Lane } from './lane.ts';
import { createOrdering } from './ordering.ts';
import { RowIndex, mark } from './row-index.ts';
import { createSlices } from './slices.ts';
import type { Work } from './work.ts';

const owner = { mayStart: () => true, start: () => true, takeDue: () => undefined };

function createScene(start = 0) {
  const clock = createFakeClock();
  const rows = new RowIndex();
  const lane = createLane(owner, 'ep_1', 'acme');
  const woken: number[] = [];
  const ordering = createOrdering({
    ...{ start, rows, slices: createSlices(clock) },
    wakeArrival: ({ order }) => void woken.push(order?.seq ?? -1),
    wakeRow: (row) => void woken.push(rows.origin.get(row)),
  });
  return {
    ...{ clock, rows, lane, woken, ordering },
    arrive(seq: number, keyHash: bigint | null = null): Work {
      const order = { keyHash, seq, givenUp: false };
      const work = { lane, order, state: 'idle' } as unknown as Work;
      ordering.arrive(work);
      return work;
    },
    /** A row that waits. */
    row(seq: number, keyHash: bigint | null = null): number {
      const row = rows.add(`dlv_${seq}`);
      const facts = { lane, order: { keyHash, seq, givenUp: false }, origin: { bulk: false, offset: seq } };
      rows.describe(row, { ...facts, dueAt: 0, expiresAt: Infinity, bytes: 1 });
      rows.wait(row);
      ordering.load(rows.factsOf(row));
      return row;
    },
    isTurn: (row: number) => ordering.isTurn(rows.factsOf(row), true),
  };
}

test('nothing has its turn before every tier is loaded; then the first of each key is woken', () => {
  const { ordering, woken, arrive } = createScene();
  const works = [arrive(1, 7n), arrive(2, 8n), arrive(3, 7n)];
  assert.ok(works.every((work) => !ordering.isTurn(work, false)));
  ordering.allLoaded();
  assert.deepEqual(woken, [1, 2]);
  assert.deepEqual(
    works.map((work) => ordering.isTurn(work, false)),
    [true, true, false],
  );
});

test('a row has its turn only when everything before it was read: that may still come, and goes first', () => {
  const scene = createScene(3);
  const row = scene.row(5);
  scene.ordering.allLoaded();
  assert.ok(!scene.isTurn(row));
  const before = scene.arrive(4);
  scene.ordering.readTo(5);
  assert.ok(!scene.isTurn(row));
  scene.woken.length = 0;
  scene.ordering.ended(before);
  assert.deepEqual(scene.woken, [5]);
  assert.ok(!scene.isTurn(row));
  scene.ordering.readTo(6);
  assert.deepEqual(scene.woken, [5, 5]);
  assert.ok(scene.isTurn(row));
});

test('what takes another place leaves the old one: a row tells of an earlier place than a repeat that was read', () => {
  const { ordering, lane, arrive, row, isTurn } = createScene();
  const repeat = arrive(9);
  const between = arrive(7);
  ordering.leave(repeat);
  const real = row(5);
  ordering.allLoaded();
  ordering.readTo(10);
  assert.ok(isTurn(real));
  assert.ok(!ordering.isTurn(between, false));
  assert.equal(lane.order?.size, 2);
});

test('a first attempt that got a row keeps its place, and is not woken while it is worked on', () => {
  const { ordering, rows, woken, arrive, row } = createScene();
  ordering.allLoaded();
  const first = arrive(1);
  const second = row(2);
  rows.leave(second);
  rows.set(second, mark.taken, true);
  ordering.ended(first);
  assert.deepEqual(woken, []);
  rows.set(second, mark.taken, false);
  ordering.reconsider((second === 0 ? null : rows.laneOf(second)) as Lane);
  assert.deepEqual(woken, [2]);
});

test('a first attempt is behind something that waits only while that is a row with a while to go', () => {
  const { ordering, rows, lane, arrive, row } = createScene();
  ordering.allLoaded();
  lane.gate = { kind: 'open' };
  const head = row(1);
  const work = arrive(2);
  assert.ok(!ordering.isBehindWaiting(work, 1_000));
  rows.dueAt.set(head, 2_000);
  assert.ok(ordering.isBehindWaiting(work, 1_000));
  rows.set(head, mark.taken, true);
  assert.ok(!ordering.isBehindWaiting(work, 1_000));
  rows.set(head, mark.taken, false);
  rows.dueAt.set(head, 0);
  rows.set(head, mark.givenUp, true);
  assert.ok(ordering.isBehindWaiting(work, 1_000));
});

test('after a takeover with very many keys all are woken, in slices', async () => {
  const { ordering, clock, woken, row } = createScene();
  const count = 10_000;
  for (let seq = 0; seq < count; seq += 1) row(seq, BigInt(seq));
  ordering.readTo(count);
  ordering.allLoaded();
  assert.ok(woken.length < count);
  await clock.advanceUntil(() => woken.length === count, 'all are woken');
});

test('an order of which nothing is left is forgotten with its lane’s part in it', () => {
  const { ordering, lane, arrive } = createScene();
  ordering.allLoaded();
  const works = [arrive(1, 1n), arrive(2, 2n)];
  for (const work of works) ordering.ended(work);
  assert.equal(lane.order, null);
});
