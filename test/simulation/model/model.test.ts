import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './campaign.ts';
import { explore } from './explore.ts';
import { rulesWithout, type Rule } from './rules.ts';
import { SCRIPTS } from './scripts.ts';

test('with all rules obeyed no schedule loses, repeats, reorders or holds up anything', () => {
  const { found, withoutCrash } = campaign({ rules: rulesWithout(), seeds: 2_000 });
  assert.deepEqual(found, {});
  assert.ok(withoutCrash > 200, `${withoutCrash} schedules without a crash`);
});

/** What must be found when a rule is left out, from a seed on that is known to come upon it soon. */
const planted: readonly { rule: Rule; kind: string; from: number }[] = [
  { rule: 'ackFirst', kind: 'progress-lies', from: 1 },
  { rule: 'retryClaim', kind: 'no-owner', from: 1 },
  { rule: 'storeDedupe', kind: 'duplicate-without-crash', from: 1 },
  { rule: 'orderLowest', kind: 'order', from: 1 },
  { rule: 'endsAfterClaim', kind: 'lost', from: 1 },
];

for (const { rule, kind, from } of planted)
  test(`without the rule ${rule} a schedule shows: ${kind}`, () => {
    const { found } = campaign({ rules: rulesWithout([rule]), seeds: 150, from });
    assert.ok(found[kind] !== undefined, `found only ${Object.keys(found).join(', ') || 'nothing'}`);
  });

test('a directed schedule loses a delivery when a row of an older epoch completes a source record', () => {
  const { found } = campaign({ rules: rulesWithout(['ownRow']), seeds: 20, script: SCRIPTS.ownRow });
  assert.ok(found['lost'] !== undefined, Object.keys(found).join(', '));
  assert.deepEqual(campaign({ rules: rulesWithout(), seeds: 20, script: SCRIPTS.ownRow }).found, {});
});

test('a seed plays the same schedule each time', () => {
  const play = (): readonly string[] => explore(7, { rules: rulesWithout(), trace: true }).trace;
  assert.ok(play().length > 100);
  assert.deepEqual(play(), play());
});
