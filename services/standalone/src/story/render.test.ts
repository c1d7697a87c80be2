import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attempt, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import * as render from './render.ts';

const plain = (_colour: string, text: string): string => text;
const marked = (colour: string, text: string): string => `<${colour}>${text}</>`;
const place = { topic: 'postrider.retry.1m', partition: 3, offset: 7, timestamp: 0 };
const request = {
  time: '2026-01-02T03:04:05.006Z',
  path: '/orders',
  headers: {},
  body: '{}',
  signature: 'valid',
  status: 200,
};
const at = (text: string): Date => new Date(`2026-01-02T03:04:${text}Z`);

test('times of steps stand in one column', () => {
  const short = render.stepLine(plain, 1, 'short', 5);
  const long = render.stepLine(plain, 2, 'somewhat longer', 1_500);
  assert.equal(short.length, long.length);
  assert.match(long, /1\.50 s$/);
});

test('a request is shown as it left: request line, host, headers in their order, body', () => {
  const attempt = Attempt.fromPartial({
    url: 'http://127.0.0.1:4400/orders?x=1',
    requestHeaders: [
      { name: 'webhook-id', value: 'msg_1' },
      { name: 'authorization', value: '[secret]' },
    ],
  });
  assert.deepEqual(
    render.requestLines(plain, attempt, request).map((line) => line.trim()),
    ['POST /orders?x=1 HTTP/1.1', 'host: 127.0.0.1:4400', 'webhook-id: msg_1', 'authorization: [secret]', '{}'],
  );
});

test('only a valid signature is green', () => {
  assert.match(render.verificationText(marked, request), /<green>valid/);
  assert.match(render.verificationText(marked, { ...request, signature: 'INVALID: no' }), /<red>INVALID: no/);
});

test('an attempt that is repeated tells when it is due again and where it waits', () => {
  const attempt = Attempt.fromPartial({
    number: 2,
    startedAt: at('05.010'),
    status: 500,
    outcome: Outcome.REJECTED,
    decision: { decision: { $case: 'retry', value: { dueAt: at('07.010'), tier: 'retry.1m' } } },
  });
  const text = render.attemptLine(plain, attempt, at('05.000'), place);
  assert.match(text, /attempt 2 {3}03:04:05\.010, 10 ms after it was due: 500 rejected\n/);
  assert.match(text, /due again 03:04:07\.010, waits in postrider\.retry\.1m, partition 3, offset 7$/);
});

test('an attempt that got no answer tells why, and the last one that it was', () => {
  const attempt = Attempt.fromPartial({
    number: 1,
    startedAt: at('05.010'),
    code: 'connection_refused',
    outcome: Outcome.UNREACHABLE,
    decision: { decision: { $case: 'dead', value: { reason: DeadReason.EXHAUSTED } } },
  });
  assert.match(
    render.attemptLine(plain, attempt, undefined, undefined),
    /attempt 1 {3}03:04:05\.010: connection_refused unreachable, given up$/,
  );
});

test('a dead letter tells where it stands and why', () => {
  const value = DeadLetter.fromPartial({ reason: DeadReason.INTERNAL_ERROR, lastAttempt: { number: 3 } });
  assert.match(
    render.deadLetterLine(plain, { value, place: { ...place, topic: 'postrider.dead-letters' } }),
    /postrider\.dead-letters, partition 3, offset 7: internal-error after 3 attempts$/,
  );
});
