import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, openEgress, requestTo } from '../testing/support.ts';
import type { EgressResult } from './index.ts';

test('an endpoint has no more connections than it had requests at once, also where the next is sent by whoever is told of the last', async () => {
  await using endpoint = await answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  await using egress = openEgress();
  const endpoints = 20;
  const ended = Promise.withResolvers<void>();
  let left = endpoints * 2 * 25;
  const sendNext = (poolKey: string, rest: number): void => {
    if (rest > 0) egress.send(requestTo(endpoint.origin, { poolKey, maxSockets: 16 }), told(poolKey, rest - 1));
  };
  const told = (poolKey: string, rest: number) => (result: EgressResult) => {
    assert.equal(result.kind, 'response');
    if (--left === 0) ended.resolve();
    sendNext(poolKey, rest);
  };
  for (let at = 0; at < endpoints * 2; at++) sendNext(`tenant/${at % endpoints}`, 25);
  await ended.promise;
  assert.deepEqual([endpoint.accepts(), egress.connections()], [endpoints * 2, endpoints * 2]);
});
