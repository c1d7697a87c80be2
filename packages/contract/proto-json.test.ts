import assert from 'node:assert/strict';
import { test } from 'node:test';
import { protoJson } from './proto-json.ts';
import { EndpointLimits } from './src/postrider/v1/endpoint.ts';
import { IntakePosition } from './src/postrider/v1/delivery.ts';

test('durations are text with their unit', () => {
  const limits = EndpointLimits.fromPartial({
    timeout: { seconds: 5n, nanos: 0 },
    ratePeriod: { seconds: 0n, nanos: 25e7 },
  });
  const { timeout, ratePeriod } = protoJson('EndpointLimits', EndpointLimits.encode(limits)) as Record<string, unknown>;
  assert.deepEqual([timeout, ratePeriod], ['5s', '0.250s']);
});

test('what is zero stands there, too', () => {
  const position = IntakePosition.fromPartial({ bulk: false });
  assert.deepEqual(protoJson('IntakePosition', IntakePosition.encode(position)), {
    bulk: false,
    offset: '0',
  });
});

test('a name that is no message is an error', () => {
  assert.throws(() => protoJson('Nonsense', EndpointLimits.encode(EndpointLimits.fromPartial({}))), /Nonsense/);
});
