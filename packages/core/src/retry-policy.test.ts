import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RetryPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { durationOf } from './duration.ts';
import { validateRetryPolicy } from './retry-policy.ts';

const day = 86_400_000;

function delays(...ms: number[]): RetryPolicy {
  return { schedule: { $case: 'delays', value: { delays: ms.map(durationOf) } }, retrySpan: undefined };
}

function exponential(change: { base?: number; factor?: number; cap?: number; attempts?: number }): RetryPolicy {
  const { base, factor, cap, attempts } = { base: 1_000, factor: 2, cap: 3_600_000, attempts: 20, ...change };
  const value = { base: durationOf(base), factor, cap: durationOf(cap), attempts };
  return { schedule: { $case: 'exponential', value }, retrySpan: undefined };
}

function fieldsOf(policy: RetryPolicy): string[] {
  return validateRetryPolicy(policy, 'endpoint.retry_policy').map(({ field }) =>
    field.replace('endpoint.retry_policy.', ''),
  );
}

test('policies within the bounds are allowed', () => {
  const allowed = [
    delays(),
    delays(0),
    delays(0, 0, 1_000),
    delays(14 * day),
    delays(...Array.from({ length: 100 }, () => 1_000)),
    exponential({}),
    exponential({ attempts: 1 }),
    exponential({ base: 100, factor: 1, cap: 100, attempts: 1_000 }),
    exponential({ factor: 10 }),
    { schedule: undefined, retrySpan: undefined },
    { ...delays(5_000), jitter: 0, retrySpan: durationOf(1_000) },
    { ...delays(5_000), jitter: 1, retrySpan: durationOf(14 * day) },
  ];
  assert.deepEqual(validateRetryPolicy(undefined), []);
  for (const policy of allowed) assert.deepEqual(validateRetryPolicy(policy), []);
});

test('a list out of bounds is refused, naming the delay', () => {
  assert.deepEqual(fieldsOf(delays(...Array.from({ length: 101 }, () => 1_000))), ['delays']);
  assert.deepEqual(fieldsOf(delays(1_000, -1)), ['delays.delays[1]']);
  assert.deepEqual(fieldsOf(delays(14 * day + 1)), ['delays.delays[0]']);
  assert.deepEqual(fieldsOf(delays(7 * day, 7 * day + 1)), ['delays']);
  assert.deepEqual(fieldsOf(delays(5_000, 30_000, 10_000)), ['delays.delays[2]']);
  for (const duration of [
    { seconds: 0n, nanos: 1_000_000_000 },
    { seconds: 1n, nanos: -1 },
    { seconds: 0n, nanos: -1 },
    { seconds: 2n ** 62n, nanos: 0 },
  ]) {
    const policy: RetryPolicy = { ...delays(), schedule: { $case: 'delays', value: { delays: [duration] } } };
    assert.deepEqual(fieldsOf(policy), ['delays.delays[0]']);
  }
});

test('growing delays out of bounds are refused, all problems at once', () => {
  for (const base of [0, 99, -1, 14 * day + 1]) assert.ok(fieldsOf(exponential({ base })).includes('exponential.base'));
  for (const factor of [0, 0.99, 10.01, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.deepEqual(fieldsOf(exponential({ factor })), ['exponential.factor'], String(factor));
  }
  for (const cap of [0, 999, 14 * day + 1]) assert.deepEqual(fieldsOf(exponential({ cap })), ['exponential.cap']);
  for (const attempts of [0, -1, 1.5, 1_001, 1e9, Number.NaN]) {
    assert.deepEqual(fieldsOf(exponential({ attempts })), ['exponential.attempts'], String(attempts));
  }
  assert.deepEqual(fieldsOf(exponential({ cap: 2 * day, attempts: 1_000 })), ['exponential']);
  const nothing = { base: undefined, factor: 0, cap: undefined, attempts: 0 };
  const empty: RetryPolicy = {
    schedule: { $case: 'exponential', value: nothing },
    jitter: 2,
    retrySpan: durationOf(0),
  };
  assert.deepEqual(fieldsOf(empty), [
    'exponential.base',
    'exponential.factor',
    'exponential.cap',
    'exponential.attempts',
    'jitter',
    'retry_span',
  ]);
});

test('jitter and span out of bounds are refused', () => {
  for (const jitter of [-0.01, 1.01, Number.NaN]) assert.deepEqual(fieldsOf({ ...delays(), jitter }), ['jitter']);
  for (const ms of [0, 999, -1_000, 14 * day + 1]) {
    assert.deepEqual(fieldsOf({ ...delays(), retrySpan: durationOf(ms) }), ['retry_span']);
  }
});
