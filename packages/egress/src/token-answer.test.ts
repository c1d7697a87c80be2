import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultLimits, type EgressResponse } from './index.ts';
import { readTokenAnswer } from './token-answer.ts';

const answer = (status: number, body: unknown, more: Partial<EgressResponse> = {}): EgressResponse => ({
  kind: 'response',
  status,
  headers: [],
  excerpt: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  bodyTruncated: false,
  excerptTruncated: false,
  timings: { totalMs: 1 },
  sourceAddress: '',
  remoteAddress: '',
  ...more,
});
const read = (status: number, body: unknown, more?: Partial<EgressResponse>): string => {
  const found = readTokenAnswer(answer(status, body, more), defaultLimits);
  return 'token' in found
    ? `${found.token.reveal()} ${found.usableMs}`
    : `${found.code} ${found.owner}: ${found.message}`;
};

test('a token is used until a minute before it expires, and at least half of its life', () => {
  const lives: readonly (readonly [expiresIn: unknown, usableMs: number])[] = [
    [3_600, 3_540_000],
    ['3600', 3_540_000],
    [90, 45_000],
    [1, 500],
    [undefined, 240_000],
    [null, 240_000],
    [0, 240_000],
    [-5, 240_000],
    ['soon', 240_000],
    [1e300, 86_340_000],
    [true, 240_000],
  ];
  for (const [expires_in, usableMs] of lives) {
    assert.equal(read(200, { access_token: 't', token_type: 'bearer', expires_in }), `t ${usableMs}`);
  }
  assert.equal(read(201, { access_token: 't' }), 't 240000');
});

test('whatever else a token endpoint says is a failure of its own, with a code of its own', () => {
  const wrong: readonly (readonly [status: number, body: unknown, message: string])[] = [
    [401, { error: 'invalid_client' }, 'the token endpoint answered 401 (invalid_client)'],
    [400, { error: 'Bad\nthing' }, 'the token endpoint answered 400'],
    [500, '<html>', 'the token endpoint answered 500'],
    [302, '', 'the token endpoint answered 302'],
    [200, '', 'the answer of the token endpoint is no JSON object, or is too long'],
    [200, 'null', 'the answer of the token endpoint is no JSON object, or is too long'],
    [200, '{"access_token":"t"', 'the answer of the token endpoint is no JSON object, or is too long'],
    [200, {}, 'the token endpoint gave no usable token'],
    [200, { access_token: '' }, 'the token endpoint gave no usable token'],
    [200, { access_token: 5 }, 'the token endpoint gave no usable token'],
    [200, { access_token: 'a b' }, 'the token endpoint gave no usable token'],
    [200, { access_token: 'a\r\nx: y' }, 'the token endpoint gave no usable token'],
    [200, { access_token: 't', token_type: 'mac' }, 'the token endpoint gave a token that is not of the type Bearer'],
  ];
  for (const [status, body, message] of wrong) assert.equal(read(status, body), `token_failed endpoint: ${message}`);
  const cut = read(200, { access_token: 't' }, { excerptTruncated: true });
  assert.match(cut, /^token_failed endpoint: the answer of the token endpoint is no JSON object/);
});

test('a request that failed by us stays ours, a forbidden address stays forbidden, silence is a timeout', () => {
  const failed = (
    code: 'internal' | 'aborted' | 'blocked_address' | 'total_timeout' | 'connection_refused',
    owner: 'ours' | 'shutdown' | 'endpoint',
  ) => readTokenAnswer({ kind: 'failure', code, owner, message: 'm', timings: { totalMs: 1 } }, defaultLimits);
  assert.deepEqual(failed('internal', 'ours'), { code: 'internal', owner: 'ours', message: 'm' });
  assert.deepEqual(failed('aborted', 'shutdown'), { code: 'aborted', owner: 'shutdown', message: 'm' });
  const message = 'the token endpoint: m';
  assert.deepEqual(failed('blocked_address', 'endpoint'), { code: 'blocked_address', owner: 'endpoint', message });
  assert.deepEqual(failed('total_timeout', 'endpoint'), { code: 'token_timeout', owner: 'endpoint', message });
  assert.deepEqual(failed('connection_refused', 'endpoint'), { code: 'token_failed', owner: 'endpoint', message });
});
