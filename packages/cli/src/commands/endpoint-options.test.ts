import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { addEndpointOptions, endpointFields, type EndpointOptions } from './endpoint-options.ts';

function fieldsOf(...args: string[]) {
  const command = addEndpointOptions(new Command()).exitOverride();
  command.parse(args, { from: 'user' });
  return endpointFields(command.opts<EndpointOptions>());
}

test('of the limits only those that are given are changed', () => {
  assert.deepEqual(fieldsOf('--timeout', '5s').paths, ['limits.timeout']);
  const { endpoint, paths } = fieldsOf('--rate', '100/2s', '--concurrency', '3', '--body-bytes-max', '9');
  assert.deepEqual(paths, [
    'limits.concurrency_max',
    'limits.body_bytes_max',
    'limits.rate_count',
    'limits.rate_period',
  ]);
  const { rateCount, ratePeriod, concurrencyMax, bodyBytesMax, timeout } = endpoint.limits ?? assert.fail();
  assert.deepEqual([rateCount, ratePeriod?.seconds, concurrencyMax, bodyBytesMax, timeout], [100, 2n, 3, 9, undefined]);
});
