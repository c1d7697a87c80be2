import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import { classify } from './classify.ts';
import { challengeBody, handshakeHeaders, judgeProof, perMinute } from './verification.ts';

const origin = 'hooks.example.com';
const asked = challengeBody('c-123');
function judge(mode: VerificationMode, status: number, headers: readonly string[], body = '') {
  const result = { kind: 'response' as const, status, headers, excerpt: Buffer.from(body) };
  const { verdict, allowedPerMinute } = judgeProof(mode, classify(result, undefined, 0), result, { origin, asked });
  return { outcome: verdict.outcome, code: verdict.code, rate: allowedPerMinute };
}
const cloudEvents = (status: number, ...headers: string[]) => judge(VerificationMode.CLOUDEVENTS, status, headers);
const challenge = (status: number, body: string) => judge(VerificationMode.CHALLENGE, status, [], body);
const proved = { outcome: Outcome.DELIVERED, code: 'ok', rate: null };
const refused = { outcome: Outcome.REJECTED, code: 'verification_refused', rate: null };

test('the OPTIONS handshake asks with our origin, and with a rate where the endpoint has one', () => {
  assert.deepEqual(handshakeHeaders(origin, { rateCount: 0, ratePeriodMs: 1_000 }), ['webhook-request-origin', origin]);
  const rate = { rateCount: 2, ratePeriodMs: 1_000 };
  assert.deepEqual(handshakeHeaders(origin, rate).slice(2), ['webhook-request-rate', '120']);
  assert.deepEqual([perMinute(1, 3_600_000), perMinute(90, 60_000)], [1, 90]);
});

test('consent is a success status and our origin, or all; a status alone is none', () => {
  assert.deepEqual(cloudEvents(200, 'WebHook-Allowed-Origin', origin), proved);
  assert.deepEqual(cloudEvents(204, 'webhook-allowed-origin', '*'), proved);
  assert.deepEqual(cloudEvents(200, 'webhook-allowed-origin', `other.example.com, ${origin.toUpperCase()}`), proved);
  assert.deepEqual(cloudEvents(200), refused);
  assert.deepEqual(cloudEvents(200, 'allow', 'POST', 'webhook-allowed-origin', 'evil.example.com'), refused);
  assert.deepEqual(cloudEvents(200, 'webhook-allowed-origin', `${origin}.evil.com`), refused);
  assert.deepEqual(cloudEvents(405, 'webhook-allowed-origin', origin), { ...refused, code: 'status' });
  assert.equal(cloudEvents(410, 'webhook-allowed-origin', origin).outcome, Outcome.GONE);
});

test('the allowed rate is the least that is named; all and nothing are no limit', () => {
  const rate = (...values: string[]) =>
    cloudEvents(200, 'webhook-allowed-origin', '*', ...values.flatMap((value) => ['webhook-allowed-rate', value])).rate;
  assert.deepEqual([rate('120'), rate('*'), rate(), rate('')], [120, null, null, null]);
  assert.equal(rate('300', '60'), 60);
  assert.equal(rate('*', '60'), 60);
  assert.equal(rate('99999999999999999999'), 2 ** 31);
});

test('an allowed rate of nothing, or one that cannot be read, is no consent', () => {
  for (const value of ['0', '00', '-1', '1e9', '12.5', 'none', '60, 0']) {
    const told = cloudEvents(200, 'webhook-allowed-origin', '*', 'webhook-allowed-rate', value);
    assert.deepEqual(told, refused, value);
  }
});

test('a challenge is answered by itself, bare or alone in a JSON object', () => {
  for (const body of ['c-123', ' c-123\n', '{"challenge":"c-123"}', '{ "challenge": "c-123" }\n']) {
    assert.deepEqual(challenge(200, body), proved, body);
  }
  for (const body of [
    '',
    'ok',
    'c-12',
    '{"challenge":"c-124"}',
    '{"challenge":5}',
    '["c-123"]',
    '{"challenge":"c-123","ok":true}',
    '{"challenge":"c-123"',
  ]) {
    assert.deepEqual(challenge(200, body), refused, body);
  }
  assert.deepEqual(challenge(500, 'c-123'), { ...refused, code: 'status' });
});

test('whoever sends back what it is sent has answered nothing', () => {
  const echo = asked.toString();
  for (const body of [echo, ` ${echo}\n`, JSON.stringify({ body: echo }), JSON.stringify(JSON.parse(echo), null, 2)]) {
    assert.deepEqual(challenge(200, body), refused, body);
  }
});

test('a body that holds no challenge proves nothing, and a failure stays what it is', () => {
  const result = { kind: 'response' as const, status: 200, headers: [], excerpt: Buffer.alloc(0) };
  for (const body of ['', '{"challenge":""}', 'x']) {
    const told = judgeProof(VerificationMode.CHALLENGE, classify(result, undefined, 0), result, {
      origin,
      asked: Buffer.from(body),
    });
    assert.equal(told.verdict.code, 'verification_refused', body);
  }
  const failure = { kind: 'failure' as const, code: 'dns_timeout', owner: 'endpoint' as const, message: 'm' };
  const verdict = classify(failure, undefined, 0);
  assert.equal(judgeProof(VerificationMode.CHALLENGE, verdict, failure, { origin, asked }).verdict, verdict);
});
