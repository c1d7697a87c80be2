/** Retry policies as clients may send them, on the fake Kafka: every bound, and that a refused one stores nothing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Endpoint, type RetryPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { durationOf } from '@postrider/core';
import { failure, startTestPlane } from '../testing/harness.ts';
import type { Running } from '../testing/harness.ts';

const parent = 'tenants/acme';
const url = 'https://hooks.acme.dev/in';
const day = 86_400_000;

let run: Running;
before(async () => {
  run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
});
after(() => run.stop());

type Schedule = NonNullable<RetryPolicy['schedule']>;

function list(...ms: number[]): Schedule {
  return { $case: 'delays', value: { delays: ms.map(durationOf) } };
}

function exponential(change: { base?: number; factor?: number; cap?: number; attempts?: number } = {}): Schedule {
  const { base, factor, cap, attempts } = { base: 1_000, factor: 2, cap: 3_600_000, attempts: 20, ...change };
  return { $case: 'exponential', value: { base: durationOf(base), factor, cap: durationOf(cap), attempts } };
}

const withPolicy = (policy: Partial<RetryPolicy>) =>
  Endpoint.fromPartial({ url, retryPolicy: { schedule: undefined, retrySpan: undefined, ...policy } });

const refused: readonly (readonly [what: string, field: string, policy: Partial<RetryPolicy>])[] = [
  ['no attempt at all', 'exponential.attempts', { schedule: exponential({ attempts: 0 }) }],
  ['a thousand million attempts', 'exponential.attempts', { schedule: exponential({ attempts: 1e9 }) }],
  [
    'as many attempts as the field can hold',
    'exponential.attempts',
    { schedule: exponential({ attempts: 2 ** 32 - 1 }) },
  ],
  ['a negative delay', 'delays.delays[0]', { schedule: list(-1_000) }],
  [
    'a delay that is negative by a nanosecond',
    'delays.delays[0]',
    { schedule: { $case: 'delays', value: { delays: [{ seconds: 0n, nanos: -1 }] } } },
  ],
  [
    'a delay whose parts contradict each other',
    'delays.delays[0]',
    { schedule: { $case: 'delays', value: { delays: [{ seconds: 1n, nanos: -1 }] } } },
  ],
  [
    'a delay beyond every calendar',
    'delays.delays[0]',
    { schedule: { $case: 'delays', value: { delays: [{ seconds: 2n ** 62n, nanos: 0 }] } } },
  ],
  ['a delay of more than 14 days', 'delays.delays[0]', { schedule: list(14 * day + 1) }],
  ['delays of more than 14 days in all', 'delays', { schedule: list(7 * day, 7 * day + 1) }],
  ['delays that become shorter', 'delays.delays[2]', { schedule: list(1_000, 30_000, 2_000) }],
  ['more delays than can be kept', 'delays', { schedule: list(...Array.from({ length: 101 }, () => 1_000)) }],
  ['no first delay', 'exponential.base', { schedule: exponential({ base: 0 }) }],
  ['a factor below 1', 'exponential.factor', { schedule: exponential({ factor: 0.5 }) }],
  ['a factor that is no number', 'exponential.factor', { schedule: exponential({ factor: Number.NaN }) }],
  ['a factor without end', 'exponential.factor', { schedule: exponential({ factor: Number.POSITIVE_INFINITY }) }],
  ['a cap below the first delay', 'exponential.cap', { schedule: exponential({ cap: 999 }) }],
  ['growing delays of more than 14 days in all', 'exponential', { schedule: exponential({ cap: day, attempts: 100 }) }],
  ['a negative jitter', 'jitter', { jitter: -0.01 }],
  ['a jitter above 1', 'jitter', { jitter: 1.01 }],
  ['a jitter that is no number', 'jitter', { jitter: Number.NaN }],
  ['a jitter without end', 'jitter', { jitter: 1e308 * 10 }],
  ['no retry span', 'retry_span', { retrySpan: durationOf(0) }],
  ['a negative retry span', 'retry_span', { retrySpan: durationOf(-1_000) }],
  ['a retry span of more than 14 days', 'retry_span', { retrySpan: durationOf(14 * day + 1) }],
];

for (const [what, field, policy] of refused) {
  test(`a retry policy with ${what} is refused by name, at creation and in an update, and nothing is stored`, async () => {
    const endpoint = withPolicy(policy);
    const created = await failure(run.endpoints.createEndpoint({ parent, endpointId: '', endpoint, requestId: '' }));
    assert.equal(created.code, 'INVALID_ARGUMENT');
    assert.deepEqual(created.fields, [`endpoint.retry_policy.${field}`]);
    assert.match(created.violations[0] ?? '', /must|at most/, 'it says what is allowed');
    const { name } = await run.endpoints.createEndpoint({
      ...{ parent, endpointId: '', requestId: '' },
      endpoint: withPolicy({ schedule: list(5_000) }),
    });
    const before = await run.endpoints.getEndpoint({ name });
    const update = { endpoint: { ...endpoint, name }, updateMask: ['retry_policy'] };
    assert.deepEqual((await failure(run.endpoints.updateEndpoint(update))).fields, created.fields);
    assert.deepEqual(await run.endpoints.getEndpoint({ name }), before);
  });
}

test('what is within the bounds is kept as it was sent', async () => {
  const allowed: Partial<RetryPolicy>[] = [
    { schedule: list() },
    { schedule: list(0, 0, 0, 1_000) },
    { schedule: list(7 * day, 7 * day) },
    { schedule: exponential({ attempts: 1 }) },
    {
      schedule: exponential({ base: 100, factor: 1, cap: 100, attempts: 1_000 }),
      jitter: 1,
      retrySpan: durationOf(14 * day),
    },
    { jitter: 0, retrySpan: durationOf(1_000) },
  ];
  for (const policy of allowed) {
    const endpoint = withPolicy(policy);
    const { name, retryPolicy } = await run.endpoints.createEndpoint({
      parent,
      endpointId: '',
      endpoint,
      requestId: '',
    });
    assert.deepEqual(retryPolicy, endpoint.retryPolicy);
    assert.deepEqual((await run.endpoints.getEndpoint({ name })).retryPolicy, endpoint.retryPolicy);
  }
});

test('a deadline of 0, or of more than 30 seconds, is refused', async () => {
  for (const ms of [0, -1, 999, 30_001]) {
    const endpoint = Endpoint.fromPartial({ url, limits: { timeout: durationOf(ms) } });
    const answer = await failure(run.endpoints.createEndpoint({ parent, endpointId: '', endpoint, requestId: '' }));
    assert.deepEqual(answer.fields, ['endpoint.limits.timeout'], String(ms));
  }
});
