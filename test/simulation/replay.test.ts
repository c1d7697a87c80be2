import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOf } from './plan.ts';
import { runSeed } from './run-seed.ts';

test('the same seed goes the same way again, step by step', async () => {
  for (const seed of [3, 11]) {
    const first = await runSeed(seed);
    // Another seed in between: nothing is kept from run to run.
    await runSeed(seed + 1);
    const traced = await runSeed(seed, { trace: true });
    assert.equal(traced.traceHash, first.traceHash);
    assert.deepEqual(traced.problems, first.problems);
    assert.ok(traced.lines.length > 1_000);
  }
});

test('every plan is as large as a seed has to be', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const { endpoints, members, faults, activeMs } = planOf(seed);
    assert.ok(endpoints.length >= 20);
    assert.ok(endpoints.filter(({ ordering }) => ordering !== 'none').length >= 5);
    assert.ok(members >= 3);
    assert.ok(faults.length >= 5);
    assert.ok(activeMs >= 24 * 3_600_000);
  }
});
