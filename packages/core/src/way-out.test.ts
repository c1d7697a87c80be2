import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { decide } from './decide.ts';
import { limits } from './limits.ts';
import { resolveRetryPolicy } from './retry-schedule.ts';
import { internalFailuresAfter } from './way-out.ts';

const policy = resolveRetryPolicy(undefined);
const decideAfter = (code: string, internalFailures: number) =>
  decide({
    ...{
      outcome: Outcome.INTERNAL_ERROR,
      code,
      retryAfterMs: null,
      final: false,
      attempt: 1,
      internalFailures,
      policy,
    },
    ...{ now: 0, expiresAt: 14 * 86_400_000, random: () => 0 },
  });

test('a closed way out is waited for with a growing backoff, and never ends a delivery', () => {
  for (const code of ['pool_unavailable', 'proxy_unavailable', 'proxy_denied', 'token_deferred', 'secret_unreadable']) {
    let failures = 0;
    const delays: number[] = [];
    for (let round = 0; round < 100; round++) {
      const decision = decideAfter(code, failures);
      assert.ok(decision.kind === 'retry' && !decision.usesAttempt);
      delays.push(decision.dueAt);
      failures = internalFailuresAfter(code, failures);
    }
    assert.deepEqual(
      delays,
      delays.toSorted((a, b) => a - b),
    );
    assert.equal(delays[0], limits.internalBackoffBaseMs);
    assert.equal(delays.at(-1), limits.internalBackoffCapMs);
  }
});

test('while no name, or nobody at all, is answered the backoff does not grow: it is known at once when that is over', () => {
  for (const code of ['dns_failure', 'dns_timeout', 'cut_off']) {
    for (const failures of [0, 5, limits.internalFailuresMax / 2]) {
      const decision = decideAfter(code, failures);
      assert.deepEqual(decision, { kind: 'retry', dueAt: limits.internalBackoffBaseMs, usesAttempt: false });
    }
  }
});

test('every other failure of our own counts to its end, whatever came before', () => {
  assert.deepEqual(decideAfter('internal', limits.internalFailuresMax - 1), {
    kind: 'dead',
    reason: DeadReason.INTERNAL_ERROR,
  });
  // However long the way out was closed, another fault has some tries left.
  let failures = 0;
  for (let round = 0; round < 100; round++) failures = internalFailuresAfter('pool_unavailable', failures);
  let tries = 0;
  while (decideAfter('internal', failures).kind === 'retry') {
    failures = internalFailuresAfter('internal', failures);
    tries++;
  }
  assert.ok(tries >= 5, `${tries}`);
  // Nor does a closed way out forgive what came before.
  assert.equal(
    internalFailuresAfter('pool_unavailable', limits.internalFailuresMax - 1),
    limits.internalFailuresMax - 1,
  );
});
