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

/** What must be found when a rule is left out, within 150 schedules from a seed on that come upon it. */
const planted: readonly { readonly rule: Rule; readonly kind: string; readonly from?: number }[] = [
  { rule: 'ackFirst', kind: 'progress-lies' },
  { rule: 'retryClaim', kind: 'no-owner' },
  { rule: 'storeDedupe', kind: 'duplicate-without-crash' },
  { rule: 'orderLowest', kind: 'order' },
  { rule: 'attemptFirst', kind: 'attempt-hidden' },
  { rule: 'newestLast', kind: 'older-row-wakes' },
  { rule: 'revisionWait', kind: 'cancelled-wrongly' },
  { rule: 'loadFromRows', kind: 'lost' },
  { rule: 'loadFromOldCopies', kind: 'load-from-lies' },
  { rule: 'loadFromAcked', kind: 'load-from-lies' },
  { rule: 'loadFromNewest', kind: 'loads-too-much' },
  { rule: 'loadFromRead', kind: 'load-from-lies' },
  { rule: 'loadFromLate', kind: 'load-from-lies', from: 100 },
  { rule: 'loadFromAnswered', kind: 'load-from-lies', from: 600 },
];

for (const { rule, kind, from = 1 } of planted)
  test(`without the rule ${rule} a schedule shows: ${kind}`, () => {
    const { found } = campaign({ rules: rulesWithout([rule]), seeds: 150, from });
    assert.ok(found[kind] !== undefined, `found only ${Object.keys(found).join(', ') || 'nothing'}`);
  });

test('a directed schedule loses a delivery when a row of an older epoch completes a source record', () => {
  const { found } = campaign({ rules: rulesWithout(['ownRow']), seeds: 20, script: SCRIPTS.ownRow });
  assert.ok(found['lost'] !== undefined, Object.keys(found).join(', '));
  assert.deepEqual(campaign({ rules: rulesWithout(), seeds: 20, script: SCRIPTS.ownRow }).found, {});
});

test('takeovers leave out records below load-from', () => {
  const { notRead } = campaign({ rules: rulesWithout(), seeds: 200 });
  assert.ok(notRead > 20, `${notRead} records were not read`);
});

test('a seed plays the same schedule each time', () => {
  const play = (): readonly string[] => explore(7, { rules: rulesWithout(), trace: true }).trace;
  assert.ok(play().length > 100);
  assert.deepEqual(play(), play());
});
