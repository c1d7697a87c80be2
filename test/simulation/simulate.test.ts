// test-timeout: 600 s
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCampaign } from './campaign.ts';
import { catchRule } from './plants/catch.ts';
import { ruleOf } from './plants/index.ts';

const SEEDS = 500;
const quiet = { processes: 2, trace: false, schedule: null, plants: [], stopAtFirst: false };

/** Other seeds each time: told, so that a run can be repeated. */
function freshBase(): number {
  const told = process.env['POSTRIDER_SIMULATE_FROM'];
  return told === undefined ? 1 + (Math.floor(Date.now() / 1_000) % 1_000_000) * SEEDS : Number(told);
}

test('no promise is broken in 500 schedules that nobody has seen before', async () => {
  const from = freshBase();
  console.log(`seeds ${from} to ${from + SEEDS - 1}; the same again: POSTRIDER_SIMULATE_FROM=${from}`);
  const { problems, seeds, deliveries, coverage, cpuSeconds } = await runCampaign({ ...quiet, from, seeds: SEEDS });
  assert.deepEqual(problems, {}, `npm run simulate -- --seed <firstSeed> --trace shows each`);
  assert.equal(seeds, SEEDS);
  assert.ok(deliveries >= SEEDS * 300);
  assert.ok(cpuSeconds > 1);
  const met = Object.values(coverage.crashes).filter(({ before, after }) => before > 0 && after > 0);
  assert.ok(met.length >= 15, `crashes before and after only ${met.length} kinds of writes`);
});

// Those that take a few seeds; `npm run simulate -- --without all` tries every rule.
for (const name of [
  'repeats',
  'resultFirst',
  'orderLowest',
  'lag',
  'answer',
  'olderOnly',
  'progressByEpoch',
  'movePutFirst',
  'claimFollows',
  'readBack',
  'fenceByTimer',
  'ownRow',
  'originDone',
  'revisionWait',
])
  test(`${name}: without this rule a promise is broken, and it is noticed`, async () => {
    const { caughtAs } = await catchRule(ruleOf(name), { from: 1, seeds: 40, processes: 2 });
    assert.ok(caughtAs.length > 0);
  });
