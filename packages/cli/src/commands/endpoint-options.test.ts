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

test('of the retry and status policies only the parts that are given are changed', () => {
  assert.deepEqual(fieldsOf('--delays', '1s').paths, ['retry_policy.delays']);
  assert.deepEqual(fieldsOf('--jitter', '0.5', '--retry-span', '1h').paths, [
    'retry_policy.jitter',
    'retry_policy.retry_span',
  ]);
  assert.deepEqual(fieldsOf('--success', '200').paths, ['status_policy.success']);
  const { endpoint, paths } = fieldsOf('--final', '404');
  assert.deepEqual([endpoint.statusPolicy?.final, paths], [[{ first: 404, last: 404 }], ['status_policy.final']]);
});
