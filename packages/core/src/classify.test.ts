import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import fc from 'fast-check';
import { classify, usesAttempt, type AttemptResult } from './classify.ts';

const now = Date.UTC(2026, 10, 21, 12, 0, 0);

function answer(status: number, headers: string[] = []): AttemptResult {
  return { kind: 'response', status, headers };
}

function failure(code: string, owner: 'endpoint' | 'ours' | 'shutdown' = 'endpoint'): AttemptResult {
  return { kind: 'failure', code, owner, message: `because of ${code}` };
}

test('every status has the outcome that the rules give it', () => {
  for (let status = 0; status <= 999; status++) {
    const { outcome, code, final } = classify(answer(status), undefined, now);
    const expected =
      status >= 200 && status <= 299
        ? Outcome.DELIVERED
        : status === 410
          ? Outcome.GONE
          : [429, 502, 503, 504].includes(status)
            ? Outcome.THROTTLED
            : Outcome.REJECTED;
    assert.equal(outcome, expected, String(status));
    const name = [301, 302, 303, 307, 308].includes(status) ? 'redirect' : 'status';
    assert.equal(code, outcome === Outcome.DELIVERED ? 'ok' : name);
    assert.equal(final, false);
  }
});

test('a body that broke off changes the code of a success and nothing else', () => {
  const of = (status: number) => {
    const { outcome, code } = classify({ kind: 'response', status, headers: [], bodyTruncated: true }, undefined, now);
    return [outcome, code];
  };
  assert.deepEqual(of(200), [Outcome.DELIVERED, 'body_truncated']);
  assert.deepEqual(of(500), [Outcome.REJECTED, 'status']);
  assert.deepEqual(of(302), [Outcome.REJECTED, 'redirect']);
});

test('a status that is no number is not a success', () => {
  assert.equal(classify(answer(Number.NaN), undefined, now).outcome, Outcome.REJECTED);
});

test('policy chooses what succeeds and what is final; 410 is gone whatever it says', () => {
  const policy = {
    success: [
      { first: 200, last: 0 },
      { first: 404, last: 420 },
    ],
    final: [
      { first: 400, last: 403 },
      { first: 503, last: 0 },
    ],
  };
  const of = (status: number) => {
    const { outcome, final } = classify(answer(status), policy, now);
    return [outcome, final];
  };
  assert.deepEqual(of(200), [Outcome.DELIVERED, false]);
  assert.deepEqual(of(201), [Outcome.REJECTED, false]);
  assert.deepEqual(of(404), [Outcome.DELIVERED, false]);
  assert.deepEqual(of(410), [Outcome.GONE, false]);
  assert.deepEqual(of(401), [Outcome.REJECTED, true]);
  assert.deepEqual(of(503), [Outcome.THROTTLED, true]);
  assert.deepEqual(of(502), [Outcome.THROTTLED, false]);
});

test('Retry-After is read from any answer that is no success', () => {
  for (const status of [301, 404, 410, 429, 500, 503]) {
    assert.equal(classify(answer(status, ['Retry-After', '30']), undefined, now).retryAfterMs, 30_000);
  }
  const date = ['retry-after', 'Sat, 21 Nov 2026 12:00:30 GMT'];
  assert.equal(classify(answer(503, date), undefined, now).retryAfterMs, 30_000);
  assert.equal(classify(answer(200, ['retry-after', '30']), undefined, now).retryAfterMs, null);
  assert.equal(classify(answer(503, ['retry-after', 'soon']), undefined, now).retryAfterMs, null);
});

test('a failure without an answer is its owner’s', () => {
  const rows: [AttemptResult, Outcome][] = [
    [failure('dns_not_found'), Outcome.UNREACHABLE],
    [failure('dns_timeout'), Outcome.UNREACHABLE],
    [failure('connection_refused'), Outcome.UNREACHABLE],
    [failure('connection_reset'), Outcome.UNREACHABLE],
    [failure('tls_certificate'), Outcome.UNREACHABLE],
    [failure('protocol_error'), Outcome.UNREACHABLE],
    [failure('headers_too_large'), Outcome.UNREACHABLE],
    [failure('connect_timeout'), Outcome.TIMED_OUT],
    [failure('headers_timeout'), Outcome.TIMED_OUT],
    [failure('total_timeout'), Outcome.TIMED_OUT],
    [failure('blocked_address'), Outcome.BLOCKED],
    [failure('blocked_url'), Outcome.BLOCKED],
    [failure('internal', 'ours'), Outcome.INTERNAL_ERROR],
    [failure('dns_failure', 'ours'), Outcome.INTERNAL_ERROR],
    [failure('total_timeout', 'ours'), Outcome.INTERNAL_ERROR],
    [failure('aborted', 'shutdown'), Outcome.CANCELLED],
    [failure('total_timeout', 'shutdown'), Outcome.CANCELLED],
  ];
  for (const [result, outcome] of rows) {
    const verdict = classify(result, undefined, now);
    assert.equal(verdict.outcome, outcome, JSON.stringify(result));
    assert.equal(verdict.code, result.kind === 'failure' ? result.code : '');
    assert.match(verdict.detail, /^because of /);
  }
});

test('a code that is not known is the endpoint’s failure', () => {
  fc.assert(
    fc.property(fc.string(), (code) => {
      const { outcome } = classify(failure(code), undefined, now);
      assert.ok([Outcome.UNREACHABLE, Outcome.TIMED_OUT, Outcome.BLOCKED].some((known) => known === outcome));
      assert.equal(usesAttempt(outcome), true);
    }),
  );
});

test('our own failures and shutdowns use no attempt', () => {
  const none: Outcome[] = [Outcome.UNSPECIFIED, Outcome.INTERNAL_ERROR, Outcome.CANCELLED, Outcome.UNRECOGNIZED];
  for (const outcome of Object.values(Outcome)) assert.equal(usesAttempt(outcome), !none.includes(outcome), outcome);
});
