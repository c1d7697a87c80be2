import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, openEgress, requestTo, sendOne } from '../testing/support.ts';
import type { EgressResult } from './index.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

function failed(result: EgressResult): string {
  return result.kind === 'failure' ? `${result.code} ${result.owner}` : `response ${result.status}`;
}

for (const name of [
  ...[
    'Host',
    'content-length',
    'Transfer-Encoding',
    'transfer_encoding',
    'connection',
    'keep-alive',
    'upgrade',
    'expect',
  ],
  ...[
    'te',
    'Trailer',
    'Proxy-Authorization',
    'Via',
    'Forwarded',
    'X-Forwarded-For',
    'Metadata-Flavor',
    'Metadata',
    ' host',
  ],
  ...['X-aws-ec2-metadata-token', 'X-Metadata-Token'],
]) {
  test(`a request with the header ${name} is ours to refuse`, async () => {
    await using endpoint = await answering(ok);
    await using egress = openEgress();
    const result = await sendOne(egress, requestTo(endpoint.origin, { headers: [name, 'evil'] }));
    assert.deepEqual([failed(result), endpoint.accepts()], ['internal ours', 0]);
  });
}

for (const [what, more] of [
  ['a line break in a header value', { headers: ['x', 'a\r\nhost: b'] }],
  ['a header name with a space', { headers: ['x y', 'a'] }],
  ['a header without value', { headers: ['x'] }],
  ['a path with a space', { path: '/a b' }],
  ['a path that is a URL', { path: 'x' }],
] as const) {
  test(`${what} is our failure, not the endpoint's, and nothing is sent`, async () => {
    await using endpoint = await answering(ok);
    await using egress = openEgress();
    assert.equal(failed(await sendOne(egress, requestTo(endpoint.origin, more))), 'internal ours');
    assert.equal(failed(await sendOne(egress, requestTo(endpoint.origin, { maxSockets: 1 }))), 'response 200');
    assert.equal(endpoint.received().match(/POST/g)?.length, 1);
  });
}
