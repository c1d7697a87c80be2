// test-timeout: 600 s
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCampaign } from './campaign.ts';
import { scheduleNames } from './schedules.ts';

/** So many that a step which needs a certain answer of an endpoint meets it. */
const SEEDS = 8;

// One whose steps wait for a write that no longer has this name would go on to pass, and show nothing.
for (const { name } of scheduleNames().filter((one) => one.name !== 'crowded'))
  test(`${name}: comes to its last step, and breaks no promise`, async () => {
    const run = { from: 1, seeds: SEEDS, processes: 1, trace: false, schedule: name, plants: [], stopAtFirst: false };
    const { problems, coverage } = await runCampaign(run);
    assert.deepEqual(problems, {});
    const told = Object.keys(coverage.situations).filter((situation) => situation.startsWith('schedules with'));
    if (told.length > 0) assert.ok(told.includes('schedules with 0 steps left'), told.join());
  });
