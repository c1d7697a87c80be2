import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STAMP_BYTES, stampOf, timedBody } from './timed-body.ts';

test('a body is JSON of the length asked for, and says when it was to be sent', () => {
  const stamp = { at: 1_234_567.089, stream: 12, number: 345_678 };
  const body = timedBody(stamp, 1_024);
  assert.equal(body.length, 1_024);
  assert.equal(Number((JSON.parse(body.toString()) as { at: string }).at), stamp.at);
  assert.deepEqual(stampOf(body.subarray(0, STAMP_BYTES)), stamp);
});

test('any other body has no stamp', () => {
  assert.equal(stampOf(Buffer.from('{}')), null);
  assert.equal(stampOf(Buffer.alloc(100, 'a')), null);
});
