import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RetryPolicy } from '@postrider/contract/postrider/v1/endpoint';
import fc from 'fast-check';
import { durationOf } from './duration.ts';
import { limits } from './limits.ts';
import {
  attemptsOf,
  defaultRetryPolicy,
  delayBefore,
  resolveRetryPolicy,
  retrySpanMs,
  stepBefore,
} from './retry-schedule.ts';

const hour = 3_600_000;
const never = () => 0;

const list: fc.Arbitrary<RetryPolicy> = fc
  .record({
    delays: fc.array(fc.integer({ min: 0, max: 12 * hour }), { maxLength: 20 }),
    jitter: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  })
  .map(({ delays, jitter }) => ({
    schedule: { $case: 'delays', value: { delays: delays.toSorted((a, b) => a - b).map(durationOf) } },
    jitter,
    retrySpan: undefined,
  }));

const growing: fc.Arbitrary<RetryPolicy> = fc
  .record({
    base: fc.integer({ min: 100, max: hour }),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    more: fc.integer({ min: 0, max: hour }),
    attempts: fc.integer({ min: 1, max: 100 }),
  })
  .map(({ base, factor, more, attempts }) => ({
    schedule: {
      $case: 'exponential',
      value: { base: durationOf(base), factor, cap: durationOf(base + more), attempts },
    },
    retrySpan: undefined,
  }));

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('the default is 12 attempts over about 72 hours', () => {
  assert.equal(attemptsOf(defaultRetryPolicy), 12);
  const total = (random: () => number) =>
    Array.from({ length: 11 }, (_, k) => delayBefore(defaultRetryPolicy, k, random) ?? 0).reduce((a, b) => a + b, 0);
  assert.ok(total(never) > 70 * hour && total(() => 1) < 78 * hour);
  assert.ok(Math.abs(total(() => 0.5) - 72 * hour) < 3 * hour);
  assert.deepEqual(
    [0, 1, 2, 3].map((k) => delayBefore(defaultRetryPolicy, k, never)),
    [5_000, 30_000, 120_000, 600_000],
  );
  assert.equal(resolveRetryPolicy(undefined), defaultRetryPolicy);
});

test('every schedule ends, after as many repetitions as it says', () => {
  fc.assert(
    fc.property(fc.oneof(list, growing), (policy) => {
      const resolved = resolveRetryPolicy(policy);
      const attempts = attemptsOf(resolved);
      for (let k = 0; k < attempts - 1; k++) assert.notEqual(delayBefore(resolved, k, never), null);
      assert.equal(delayBefore(resolved, attempts - 1, never), null);
      assert.equal(delayBefore(resolved, attempts + 1_000, never), null);
    }),
  );
});

test('jitter lengthens a delay by at most its fraction and never shortens it', () => {
  fc.assert(
    fc.property(fc.oneof(list, growing), fraction, fc.nat({ max: 99 }), (policy, random, k) => {
      const resolved = resolveRetryPolicy(policy);
      const step = stepBefore(resolved, k);
      const delay = delayBefore(resolved, k, () => random);
      if (step === null || delay === null) return assert.equal(step, delay);
      assert.ok(Number.isInteger(delay));
      assert.ok(delay >= step && delay <= Math.ceil(step * (1 + resolved.jitter)), `${delay} for ${step}`);
    }),
  );
});

test('growing delays follow min(cap, base × factor^k)', () => {
  const value = { base: durationOf(1_000), factor: 3, cap: durationOf(20_000), attempts: 6 };
  const policy = resolveRetryPolicy({ schedule: { $case: 'exponential', value }, jitter: 0, retrySpan: undefined });
  const delays = Array.from({ length: 6 }, (_, k) => delayBefore(policy, k, never));
  assert.deepEqual(delays, [1_000, 3_000, 9_000, 20_000, 20_000, null]);
});

test('a number that is no repetition has no delay', () => {
  for (const k of [-1, 0.5, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY]) {
    assert.equal(delayBefore(defaultRetryPolicy, k, never), null);
  }
});

test('a span that is not set is long enough for the whole schedule and at most 14 days', () => {
  fc.assert(
    fc.property(fc.oneof(list, growing), (policy) => {
      const resolved = resolveRetryPolicy(policy);
      let longest = 0;
      for (let k = 0; k < attemptsOf(resolved) - 1; k++) longest += delayBefore(resolved, k, () => 1) ?? 0;
      const span = retrySpanMs(resolved);
      assert.ok(span >= Math.min(longest, limits.retrySpanMaxMs) && span <= limits.retrySpanMaxMs);
      assert.ok(span >= 72 * hour);
    }),
  );
});

test('what a policy sets is obeyed, what it leaves open is the default', () => {
  const policy = resolveRetryPolicy({ schedule: undefined, jitter: 0.5, retrySpan: durationOf(2 * hour) });
  assert.deepEqual(policy.schedule, defaultRetryPolicy.schedule);
  assert.equal(policy.jitter, 0.5);
  assert.equal(retrySpanMs(policy), 2 * hour);
  const once = resolveRetryPolicy({ schedule: { $case: 'delays', value: { delays: [] } }, retrySpan: undefined });
  assert.equal(attemptsOf(once), 1);
});

test('a policy out of bounds is replaced by the default as a whole', () => {
  const delays = [durationOf(-1)];
  const policy: RetryPolicy = { schedule: { $case: 'delays', value: { delays } }, jitter: 0.5, retrySpan: undefined };
  assert.equal(resolveRetryPolicy(policy), defaultRetryPolicy);
});
