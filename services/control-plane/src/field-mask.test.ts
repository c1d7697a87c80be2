import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoint, type RetryPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { durationOf } from '@postrider/core';
import { endpointMaskRules } from './endpoint-resource.ts';
import { applyMask } from './field-mask.ts';

type Given = Parameters<typeof RetryPolicy.fromPartial>[0];

const delays: Given['schedule'] = { $case: 'delays', value: { delays: [durationOf(1_000)] } };
const exponential: Given['schedule'] = { $case: 'exponential', value: { base: durationOf(1_000), factor: 2 } };
const endpointOf = (retryPolicy: Given): Endpoint => Endpoint.fromPartial({ retryPolicy });

/** The retry policy that is left when `path` of `given` is applied to `current`. */
function masked(current: Endpoint, given: Endpoint, path: string): Endpoint['retryPolicy'] {
  const result = applyMask(endpointMaskRules, current, given, [path]);
  return 'next' in result ? result.next.retryPolicy : assert.fail(JSON.stringify(result.violations));
}

test('a schedule is changed by its name, and the rest of the policy stays', () => {
  const current = endpointOf({ schedule: exponential, jitter: 0.5, retrySpan: durationOf(60_000) });
  const next = masked(current, endpointOf({ schedule: delays }), 'retry_policy.delays');
  assert.deepEqual(next, endpointOf({ schedule: delays, jitter: 0.5, retrySpan: durationOf(60_000) }).retryPolicy);
});

test('the rest of the policy is changed, and the schedule stays', () => {
  const next = masked(endpointOf({ schedule: delays }), endpointOf({ jitter: 0.25 }), 'retry_policy.jitter');
  assert.deepEqual(next, endpointOf({ schedule: delays, jitter: 0.25 }).retryPolicy);
});

test('a schedule that is named and not given is cleared, unless another is set', () => {
  const nothing = endpointOf({});
  assert.equal(masked(endpointOf({ schedule: delays }), nothing, 'retry_policy.delays')?.schedule, undefined);
  const other = endpointOf({ schedule: exponential });
  assert.deepEqual(masked(other, nothing, 'retry_policy.delays'), other.retryPolicy);
  assert.deepEqual(masked(nothing, other, 'retry_policy.delays'), nothing.retryPolicy);
});

test('the name of the group is no field', () => {
  const result = applyMask(endpointMaskRules, endpointOf({}), endpointOf({}), ['retry_policy.schedule']);
  assert.deepEqual(result, {
    violations: [
      { field: 'update_mask', description: 'retry_policy.schedule is not a field; name retry_policy as a whole' },
    ],
  });
});
