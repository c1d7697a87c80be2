// test-timeout: 600 s
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { runCampaign } from './campaign.ts';
import { catchRule } from './plants/catch.ts';
import { ruleOf } from './plants/index.ts';

const SEEDS = 500;
const quiet = { processes: 2, trace: false, schedule: null, plants: [], stopAtFirst: false };

/**
 * Each commit tries seeds of its own, by what its files are, and tries the same again and again: what is red here is red
 * everywhere, and a commit that was green stays so. Campaigns of thousands try others: `npm run simulate`.
 */
function seedsOfCommit(): number {
  const told = process.env['POSTRIDER_SIMULATE_FROM'];
  if (told !== undefined) return Number(told);
  const { stdout } = spawnSync('git', ['rev-parse', 'HEAD^{tree}'], { cwd: import.meta.dirname, encoding: 'utf8' });
  // Without a history, as in an archive of the files, the first ones.
  return 1 + (Number.parseInt(stdout.slice(0, 8) || '0', 16) % 1_000_000) * SEEDS;
}

test('no promise is broken in 500 schedules of this commit’s own', async () => {
  const from = seedsOfCommit();
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
