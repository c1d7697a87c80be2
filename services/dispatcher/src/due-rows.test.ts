import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFakeClock, type FakeClock } from '@postrider/kafka/testing';
import { tenant } from '../testing/test-records.ts';
import { createDueRows } from './due-rows.ts';
import { createLane } from './lane.ts';
import { RowIndex } from './row-index.ts';
import { createSlices } from './slices.ts';

const owner = { mayStart: () => true, start: () => true, takeDue: () => undefined };

function setUp(clock: FakeClock) {
  const rows = new RowIndex();
  const lane = createLane(owner, 'ep_1', tenant);
  const woken: [row: number, at: number][] = [];
  let awake = true;
  const due = createDueRows({
    ...{ clock, rows, slices: createSlices(clock), mayWake: () => awake },
    wake: (row) => {
      woken.push([row, clock.now()]);
      rows.remove(row);
    },
  });
  const add = (dueAt: number, expiresAt: number): number => {
    const row = rows.add(`row-${dueAt}-${expiresAt}-${rows.size}`);
    rows.describe(row, { lane, origin: { bulk: false, offset: 0 }, order: null, dueAt, expiresAt, bytes: 0 });
    rows.wait(row);
    due.arm();
    return row;
  };
  const sleep = (): void => {
    awake = false;
  };
  return { rows, due, woken, add, sleep };
}

test('each row is woken when it is due or expires, whichever is first, never before, in order of time', async () => {
  const plans = fc.array(fc.record({ dueIn: fc.nat(200_000), expiresIn: fc.nat(200_000), gone: fc.boolean() }), {
    maxLength: 100,
  });
  await fc.assert(
    fc.asyncProperty(plans, async (planned) => {
      const clock = createFakeClock();
      const start = clock.now();
      const { rows, woken, add } = setUp(clock);
      const added = planned.map(({ dueIn, expiresIn }) => add(start + dueIn, start + expiresIn));
      planned.forEach(({ gone }, i) => gone && rows.remove(added[i] as number));
      await clock.advance(200_000);
      const wanted = planned
        .map(({ dueIn, expiresIn, gone }, i) => ({ row: added[i], at: start + Math.min(dueIn, expiresIn), gone }))
        .filter(({ gone }) => !gone)
        .toSorted((a, b) => a.at - b.at || (a.row as number) - (b.row as number));
      assert.deepEqual(
        woken,
        wanted.map(({ row, at }) => [row, at]),
      );
    }),
    { numRuns: 50 },
  );
});

test('a wall clock that steps back makes nothing early, one that steps forwards is noticed at the next look', async () => {
  const clock = createFakeClock();
  const { woken, add, due: rows } = setUp(clock);
  const due = clock.now() + 30_000;
  add(due, Infinity);
  clock.stepWallClock(-10_000);
  await clock.advance(39_999);
  assert.equal(woken.length, 0);
  await clock.advance(1);
  assert.equal(woken[0]?.[1], due);
  add(clock.now() + 3_600_000, Infinity);
  await clock.advance(1_000);
  rows.look();
  assert.equal(woken.length, 1);
  clock.stepWallClock(3_600_000);
  rows.look();
  assert.equal(woken.length, 2);
});

test('nothing is woken while nothing may begin, or after closing', async () => {
  const clock = createFakeClock();
  const first = setUp(clock);
  first.add(clock.now() + 1_000, Infinity);
  first.sleep();
  const second = setUp(clock);
  second.add(clock.now() + 1_000, Infinity);
  second.due.close();
  await clock.advance(100_000);
  assert.deepEqual([first.woken, second.woken], [[], []]);
});
