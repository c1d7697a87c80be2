import assert from 'node:assert/strict';
import { boundRetryAfterMs, limits, parseRetryAfter, retryAfterMs } from '@postrider/core';
import { below, mutate, pick, type FuzzTarget, type Random } from './target.ts';

const now = Date.UTC(2026, 10, 21, 12, 0, 0);
const pieces = [
  ...[
    '0',
    '1',
    '9',
    '00',
    '60',
    '-',
    '+',
    '.',
    ',',
    ' ',
    '  ',
    '\t',
    ':',
    'e',
    'E9',
    '0x1',
    'Infinity',
    'NaN',
    '∞',
    '١',
  ],
  ...[
    'GMT',
    'UTC',
    '+0000',
    'Z',
    'T',
    'Sun, ',
    'Monday, ',
    'Feb',
    'feb',
    '29',
    '30',
    '31',
    '2100',
    '9999',
    '99999999999999999999',
  ],
  ...['\u0000', '\r\n', '\u00a0', '\ufeff', 'constructor', '__proto__', 'a'.repeat(100)],
];

/** A date in one of the three forms that RFC 9110 names, made by the platform and not by the rule under test. */
function dateText(ms: number, random: Random): string {
  const fix = new Date(ms).toUTCString();
  const [, weekday = '', day = '', month = '', year = '', time = ''] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+) GMT$/.exec(fix) ?? [];
  return pick(random, [fix, fix, `${weekday} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`]);
}

/** Whatever an endpoint writes there is a bounded wait or nothing; what the platform understands is understood alike. */
export const retryAfter: FuzzTarget = {
  does: 'Retry-After, against the dates and numbers of the platform',
  found: ['9'.repeat(400), 'Sun, 31 Feb 2027 00:00:00 GMT', 'Fri, 31 Dec 9999 23:59:60 GMT', '\t12 ', '-0', '1e3'],
  next(random: Random) {
    const from = random();
    if (from < 0.2) return String(below(random, 10 ** (1 + below(random, 15))));
    const date = dateText(now + below(random, 4e12) - 2e12, random);
    if (from < 0.5) return date;
    if (from < 0.9) return mutate(pick(random, [date, '120', 'Sunday, 06-Nov-94 08:49:37 GMT']), pieces, random);
    return Array.from({ length: 1 + below(random, 8) }, () => pick(random, pieces)).join('');
  },
  check(input) {
    const wait = parseRetryAfter(input, now);
    assert.ok(wait === null || (Number.isFinite(wait) && wait >= 0), `waits ${wait}`);
    for (const step of [null, 0, 1_000, limits.retryDelayMaxMs]) {
      const bounded = boundRetryAfterMs(wait ?? 0, step);
      assert.ok(bounded >= limits.retryAfterMinMs, 'early');
      assert.ok(bounded <= Math.max(limits.retryAfterCapMs, 2 * (step ?? 0)), 'without end');
    }
    assert.equal(retryAfterMs(['x', input, 'Retry-After', input, 'retry-after', '1'], now), Math.max(wait ?? 0, 1_000));
    const text = input.replaceAll(/^[ \t]+|[ \t]+$/g, '');
    if (/^\d{1,12}$/.test(text)) assert.equal(wait, Number(text) * 1_000, 'seconds');
    const date = new Date(text);
    // The canonical form, told from all that looks like it by writing the date again.
    if (!Number.isNaN(date.getTime()) && date.toUTCString() === text && /^\w+, \d\d \w+ \d{4} /.test(text))
      assert.equal(wait, Math.max(0, date.getTime() - now), 'a date');
  },
};
