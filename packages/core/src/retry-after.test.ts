import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { boundRetryAfterMs, hasUnreadableRetryAfter, parseRetryAfter, retryAfterMs } from './retry-after.ts';

const now = Date.UTC(2026, 10, 21, 12, 0, 0);
const hour = 3_600_000;

test('seconds and dates are understood', () => {
  const rows: [string, number][] = [
    ['0', 0],
    ['120', 120_000],
    ['00120', 120_000],
    [' 120\t', 120_000],
    ['99999999999999999999', Number.MAX_SAFE_INTEGER],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    ['Sat, 21 Nov 2026 12:02:00 GMT', 120_000],
    ['Saturday, 21-Nov-26 12:02:00 GMT', 120_000],
    ['Sat Nov 21 12:02:00 2026', 120_000],
    ['Tue Dec  1 12:00:00 2026', 10 * 24 * hour],
    ['Fri, 20 Nov 2026 12:00:00 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', Date.UTC(9999, 11, 31, 23, 59, 59) - now],
  ];
  for (const [value, expected] of rows) assert.equal(parseRetryAfter(value, now), expected, value);
});

test('what cannot be understood is ignored', () => {
  const junk = ['', ' ', '-5', '+5', '120.1', '1e3', '0x10', '12 0', '120, 60', 'soon', 'NaN', 'Infinity', '１２０'];
  junk.push('2026-11-21T12:02:00Z', 'Sat, 21 Nov 2026 12:02:00', 'Sat, 21 Nov 2026 12:02:00 +0100');
  junk.push('Sat, 30 Feb 2026 12:00:00 GMT', 'Sat, 21 Nix 2026 12:00:00 GMT', 'Sat, 21 Nov 2026 24:00:00 GMT');
  junk.push('Sat, 00 Nov 2026 12:00:00 GMT', 'Sat, 21 Nov 2026 12:60:00 GMT', '\u0000120');
  for (const value of junk) assert.equal(parseRetryAfter(value, now), null, JSON.stringify(value));
});

test('every date the platform prints is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200_000_000 }), (seconds) => {
      assert.equal(parseRetryAfter(new Date(now + seconds * 1_000).toUTCString(), now), seconds * 1_000);
    }),
  );
});

test('no header value makes it fail or gives something that is not a wait', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const wait = parseRetryAfter(value, now);
      assert.ok(wait === null || (Number.isSafeInteger(wait) && wait >= 0));
    }),
  );
});

test('of two headers the longest that can be understood counts', () => {
  assert.equal(retryAfterMs(['retry-after', '60', 'Retry-After', '120'], now), 120_000);
  assert.equal(retryAfterMs(['Retry-After', '120', 'retry-after', '60'], now), 120_000);
  assert.equal(retryAfterMs(['retry-after', 'junk', 'RETRY-AFTER', '60'], now), 60_000);
  assert.equal(retryAfterMs(['x', 'retry-after', 'y', '60'], now), null);
  assert.equal(retryAfterMs(['retry-after', 'junk'], now), null);
  assert.equal(retryAfterMs(['retry-after'], now), null);
  assert.equal(retryAfterMs([], now), null);
});

test('junk is told apart from nothing, also beside what can be understood', () => {
  for (const junk of ['-5', '120.1', 'soon', '']) {
    assert.equal(hasUnreadableRetryAfter(['x', 'y', 'Retry-After', junk], now), true, junk);
    assert.equal(hasUnreadableRetryAfter(['retry-after', '60', 'retry-after', junk], now), true, junk);
  }
  for (const fine of [[], ['x', 'junk'], ['retry-after'], ['retry-after', '0'], ['retry-after', '9'.repeat(20)]]) {
    assert.equal(hasUnreadableRetryAfter(fine, now), false, fine.join(' '));
  }
});

test('the wait is bounded: 1 second to the longer of an hour and twice the step', () => {
  const rows: [asked: number, step: number | null, expected: number][] = [
    [0, 5_000, 1_000],
    [120_000, 5_000, 120_000],
    [2 * hour, 5_000, hour],
    [2 * hour, null, hour],
    [20 * hour, 6 * hour, 12 * hour],
    [11 * hour, 6 * hour, 11 * hour],
    [Number.MAX_SAFE_INTEGER, 0, hour],
  ];
  for (const [asked, step, expected] of rows) assert.equal(boundRetryAfterMs(asked, step), expected);
});
