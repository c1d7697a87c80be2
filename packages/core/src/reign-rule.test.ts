import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drainLimitMs, limits } from './limits.ts';
import { mayClaim } from './ownership.ts';
import { drainDeadline, judgeReign } from './reign-rule.ts';

const facts = { open: true, sameTerm: true, drainBy: Infinity, now: 1_000 };

test('a reign acts while the fence is open, and waits while it is closed', () => {
  assert.equal(judgeReign(facts), 'yes');
  assert.equal(judgeReign({ ...facts, open: false }), 'later');
});

test('once others may have been named a reign is over, even when the fence is open again', () => {
  assert.equal(judgeReign({ ...facts, sameTerm: false }), 'session');
  assert.equal(judgeReign({ ...facts, sameTerm: false, open: false }), 'session');
});

test('at the drain limit a reign is over, and no waiting for the fence outlives it', () => {
  assert.equal(judgeReign({ ...facts, drainBy: 1_001 }), 'yes');
  assert.equal(judgeReign({ ...facts, drainBy: 1_000 }), 'drain-limit');
  assert.equal(judgeReign({ ...facts, drainBy: 1_000, open: false }), 'drain-limit');
});

test('who is named next claims only after the last owner has fallen silent', () => {
  const lastHeartbeat = 5_000;
  const namedAt = lastHeartbeat + 1;
  const ownership = {
    epoch: 3,
    processId: 'old',
    claim: null,
    progress: null,
    released: false,
  };
  const verdictAt = (now: number) =>
    mayClaim({ ownership, processId: 'new', members: ['old', 'new'], joinedAt: namedAt, now });
  assert.equal(verdictAt(drainDeadline(lastHeartbeat)).may, false);
  assert.equal(verdictAt(namedAt + drainLimitMs() + limits.drainSlackMs).may, true);
});
