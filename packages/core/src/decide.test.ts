import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelReason, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import fc from 'fast-check';
import { decide, type DecideInput } from './decide.ts';
import { attemptsOf, defaultRetryPolicy, resolveRetryPolicy, stepBefore } from './retry-schedule.ts';
import { durationOf } from './duration.ts';

const now = 1_800_000_000_000;
const hour = 3_600_000;

function input(change: Partial<DecideInput> = {}): DecideInput {
  return {
    outcome: Outcome.REJECTED,
    code: 'status',
    retryAfterMs: null,
    final: false,
    attempt: 1,
    internalFailures: 0,
    policy: defaultRetryPolicy,
    now,
    expiresAt: now + 72 * hour,
    random: () => 0,
    ...change,
  };
}

const failures = [Outcome.REJECTED, Outcome.THROTTLED, Outcome.UNREACHABLE, Outcome.TIMED_OUT];
const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a success is done, whatever else is true', () => {
  const done = { outcome: Outcome.DELIVERED, attempt: 99, expiresAt: now - 1, final: true };
  assert.deepEqual(decide(input(done)), { kind: 'done' });
});

test('a failure of the endpoint is repeated after the schedule’s delay, then given up', () => {
  for (const outcome of failures) {
    const waits = Array.from({ length: 12 }, (_, index) => {
      const decision = decide(input({ outcome, attempt: index + 1, expiresAt: now + 1_000 * hour }));
      return decision.kind === 'retry' ? [decision.dueAt - now, decision.usesAttempt] : decision;
    });
    assert.deepEqual(waits.slice(0, 3), [
      [5_000, true],
      [30_000, true],
      [120_000, true],
    ]);
    assert.deepEqual(waits[10], [24 * hour, true]);
    assert.deepEqual(waits[11], { kind: 'dead', reason: DeadReason.EXHAUSTED });
  }
});

test('a status that policy calls final is given up at once', () => {
  for (const outcome of [Outcome.REJECTED, Outcome.THROTTLED]) {
    assert.deepEqual(decide(input({ outcome, final: true })), { kind: 'dead', reason: DeadReason.REJECTED });
  }
});

test('what is answered 410 waits for another configuration, unless policy or schedule leave no further attempt', () => {
  const gone = { outcome: Outcome.GONE, code: 'status' };
  assert.deepEqual(decide(input(gone)), { kind: 'hold' });
  assert.deepEqual(decide(input({ ...gone, retryAfterMs: 120_000 })), { kind: 'hold' });
  assert.deepEqual(decide(input({ ...gone, attempt: 11 })), { kind: 'hold' });
  assert.deepEqual(decide(input({ ...gone, attempt: 12 })), { kind: 'dead', reason: DeadReason.GONE });
  assert.deepEqual(decide(input({ ...gone, final: true })), { kind: 'dead', reason: DeadReason.GONE });
  assert.deepEqual(decide(input({ ...gone, expiresAt: now })), { kind: 'dead', reason: DeadReason.EXPIRED });
});

test('a blocked address is tried again, a blocked URL is not', () => {
  const address = { outcome: Outcome.BLOCKED, code: 'blocked_address' };
  assert.deepEqual(decide(input(address)), { kind: 'retry', dueAt: now + 5_000, usesAttempt: true });
  assert.deepEqual(decide(input({ ...address, attempt: 12 })), { kind: 'dead', reason: DeadReason.BLOCKED });
  const url = { outcome: Outcome.BLOCKED, code: 'blocked_url' };
  assert.deepEqual(decide(input(url)), { kind: 'dead', reason: DeadReason.BLOCKED });
  const body = { outcome: Outcome.BLOCKED, code: 'blocked_body' };
  assert.deepEqual(decide(input(body)), { kind: 'dead', reason: DeadReason.TOO_LARGE });
});

test('Retry-After lengthens the delay within its bounds and never shortens it', () => {
  const dueIn = (retryAfterMs: number, attempt = 1) => {
    const decision = decide(input({ outcome: Outcome.THROTTLED, retryAfterMs, attempt }));
    return decision.kind === 'retry' ? decision.dueAt - now : decision;
  };
  assert.equal(dueIn(0), 5_000);
  assert.equal(dueIn(4_000), 5_000);
  assert.equal(dueIn(120_000), 120_000);
  assert.equal(dueIn(30 * hour), hour);
  assert.equal(dueIn(Number.MAX_SAFE_INTEGER, 8), 12 * hour);
  assert.equal(dueIn(9 * hour, 8), 9 * hour);
});

test('a delay of 0 with Retry-After 0 is at least one second', () => {
  const policy = resolveRetryPolicy({
    schedule: { $case: 'delays', value: { delays: [durationOf(0)] } },
    retrySpan: undefined,
  });
  const due = (retryAfterMs: number | null) => decide(input({ policy, retryAfterMs }));
  assert.deepEqual(due(0), { kind: 'retry', dueAt: now + 1_000, usesAttempt: true });
  assert.deepEqual(due(null), { kind: 'retry', dueAt: now, usesAttempt: true });
});

test('a retry that would not be due before the delivery expires is not made', () => {
  const at = (expiresAt: number) => decide(input({ expiresAt }));
  assert.deepEqual(at(now + 5_001), { kind: 'retry', dueAt: now + 5_000, usesAttempt: true });
  for (const expiresAt of [now + 5_000, now, 0, Number.NaN]) {
    assert.deepEqual(at(expiresAt), { kind: 'dead', reason: DeadReason.EXPIRED });
  }
});

test('failures of our own use no attempt, back off, and end at the 20th', () => {
  for (const outcome of [Outcome.INTERNAL_ERROR, Outcome.UNSPECIFIED, Outcome.UNRECOGNIZED]) {
    const waits: number[] = [];
    for (let internalFailures = 0; internalFailures < 19; internalFailures++) {
      const decision = decide(input({ outcome, internalFailures, attempt: 12 }));
      assert.ok(decision.kind === 'retry' && !decision.usesAttempt);
      waits.push(decision.dueAt - now);
    }
    assert.deepEqual(waits.slice(0, 4), [1_000, 2_000, 4_000, 8_000]);
    assert.equal(waits.at(-1), 300_000);
    for (const internalFailures of [19, 20, 2 ** 31, Number.NaN]) {
      const dead = { kind: 'dead', reason: DeadReason.INTERNAL_ERROR };
      assert.deepEqual(decide(input({ outcome, internalFailures })), dead);
    }
  }
});

test('a shutdown cancels no delivery and uses no attempt; a deletion cancels it', () => {
  const outcome = Outcome.CANCELLED;
  const shutdown = decide(input({ outcome, attempt: 12, internalFailures: 19 }));
  assert.deepEqual(shutdown, { kind: 'retry', dueAt: now, usesAttempt: false });
  const reason = CancelReason.ENDPOINT_DELETED;
  assert.deepEqual(decide(input({ outcome, cancelReason: reason })), { kind: 'cancelled', reason });
});

test('a retry is never early and always before the delivery expires', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(Outcome)),
      fc.integer({ min: -1, max: 15 }),
      fc.option(fc.nat({ max: 100 * hour }), { nil: null }),
      fc.nat({ max: 200 * hour }),
      fraction,
      (outcome, attempt, retryAfterMs, life, random) => {
        const all = input({ outcome, attempt, retryAfterMs, expiresAt: now + life, random: () => random });
        const decision = decide(all);
        if (decision.kind !== 'retry') return;
        assert.ok(Number.isInteger(decision.dueAt) && decision.dueAt < all.expiresAt);
        const step = decision.usesAttempt ? (stepBefore(all.policy, attempt - 1) ?? Number.NaN) : 0;
        assert.ok(decision.dueAt >= now + step, `${decision.dueAt - now} < ${step}`);
        assert.ok(decision.dueAt <= now + Math.max(step * 2.2, hour) + 1);
      },
    ),
  );
});

test('every delivery ends: no sequence of outcomes is retried without end', () => {
  const outcomes = fc.infiniteStream(fc.constantFrom(...failures, Outcome.BLOCKED, Outcome.INTERNAL_ERROR));
  fc.assert(
    fc.property(outcomes, fraction, (stream, random) => {
      let attempt = 0;
      let internalFailures = 0;
      let at = now;
      const expiresAt = now + 14 * 24 * hour;
      const bound = attemptsOf(defaultRetryPolicy) * 20;
      for (let step = 0; step < bound; step++) {
        const outcome = stream.next().value as Outcome;
        const made = { outcome, code: 'x', attempt: attempt + 1, internalFailures };
        const decision = decide(input({ ...made, now: at, expiresAt, random: () => random }));
        if (decision.kind === 'dead') return;
        assert.equal(decision.kind, 'retry');
        if (decision.kind !== 'retry') return;
        at = decision.dueAt;
        attempt += decision.usesAttempt ? 1 : 0;
        internalFailures = decision.usesAttempt ? 0 : internalFailures + 1;
      }
      assert.fail('it did not end');
    }),
    { numRuns: 50 },
  );
});

test('where order stops, what would be given up is stopped with its reason, but for what has expired', () => {
  const stops = true;
  const outcome = Outcome.REJECTED;
  assert.deepEqual(decide(input({ outcome, stops, final: true })), { kind: 'stopped', reason: DeadReason.REJECTED });
  assert.deepEqual(decide(input({ outcome, stops, attempt: 12 })), { kind: 'stopped', reason: DeadReason.EXHAUSTED });
  const last = { outcome: Outcome.INTERNAL_ERROR, internalFailures: 19 };
  assert.deepEqual(decide(input({ ...last, stops })), { kind: 'stopped', reason: DeadReason.INTERNAL_ERROR });
  const late = decide(input({ outcome, stops, expiresAt: now + 1 }));
  assert.deepEqual(late, { kind: 'dead', reason: DeadReason.EXPIRED });
  assert.equal(decide(input({ outcome, stops })).kind, 'retry');
  assert.deepEqual(decide(input({ outcome: Outcome.DELIVERED, stops })), { kind: 'done' });
});
