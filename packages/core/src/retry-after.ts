import { limits } from './limits.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TIME = '([0-9]{2}):([0-9]{2}):([0-9]{2})';
// The three forms of RFC 9110 §5.6.7; a recipient must read all of them.
const imfFixdate = new RegExp(`^[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ${TIME} GMT$`);
const rfc850 = new RegExp(`^[A-Z][a-z]{5,8}, ([0-9]{2})-([A-Z][a-z]{2})-([0-9]{2}) ${TIME} GMT$`);
const asctime = new RegExp(`^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([0-9 ][0-9]) ${TIME} ([0-9]{4})$`);

/**
 * How long an answer asks us to wait (RFC 9110 §10.2.3), in milliseconds from `now`: whole seconds or an HTTP date, a
 * date that has passed being 0. Null when nothing can be understood: a fraction, a sign, junk. Of several Retry-After
 * headers (a proxy may have added its own) the longest that can be understood counts, which respects them all; the
 * bounds are applied later.
 * @param headers the answer's headers, flat: name, value, name, value …
 * @param now wall clock, epoch milliseconds
 */
export function retryAfterMs(headers: readonly string[], now: number): number | null {
  let longest: number | null = null;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'retry-after') continue;
    const wait = parseRetryAfter(headers[i + 1] ?? '', now);
    if (wait !== null && (longest === null || wait > longest)) longest = wait;
  }
  return longest;
}

/** Whether an answer asks us to wait in words that cannot be understood, for example `-5`, `120.1` or `soon`. */
export function hasUnreadableRetryAfter(headers: readonly string[], now: number): boolean {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === 'retry-after' && parseRetryAfter(headers[i + 1] ?? '', now) === null) return true;
  }
  return false;
}

/** One Retry-After value as milliseconds from `now`; null when it cannot be understood. */
export function parseRetryAfter(value: string, now: number): number | null {
  const text = value.replace(/^[ \t]+|[ \t]+$/g, '');
  if (/^[0-9]+$/.test(text)) return Math.min(Number(text) * 1_000, Number.MAX_SAFE_INTEGER);
  const date = httpDate(text, now);
  return date === null ? null : Math.max(0, date - now);
}

/**
 * What Retry-After may ask for at most and at least: between 1 second and the longer of one hour and twice the
 * schedule's own delay.
 * @param stepMs the schedule's delay before the next attempt; null when there is none
 */
export function boundRetryAfterMs(askedMs: number, stepMs: number | null): number {
  const most = Math.max(limits.retryAfterCapMs, 2 * (stepMs ?? 0));
  return Math.min(Math.max(askedMs, limits.retryAfterMinMs), most);
}

function httpDate(text: string, now: number): number | null {
  const fix = imfFixdate.exec(text);
  if (fix) return utc(Number(fix[3]), fix[2], fix[1], fix.slice(4));
  const old = rfc850.exec(text);
  if (old) return utc(fullYear(Number(old[3]), now), old[2], old[1], old.slice(4));
  const asc = asctime.exec(text);
  if (asc) return utc(Number(asc[6]), asc[1], asc[2], asc.slice(3, 6));
  return null;
}

/** RFC 9110 §5.6.7: a two-digit year that seems more than 50 years ahead is the most recent past one with its digits. */
function fullYear(twoDigits: number, now: number): number {
  const current = new Date(now).getUTCFullYear();
  const year = current - (current % 100) + twoDigits;
  return year > current + 50 ? year - 100 : year;
}

function utc(year: number, monthName: string | undefined, day: string | undefined, time: string[]): number | null {
  const month = MONTHS.indexOf(monthName ?? '');
  const [hours, minutes, seconds] = time.map(Number);
  if (month < 0 || hours === undefined || minutes === undefined || seconds === undefined) return null;
  // 60 is a leap second.
  if (hours > 23 || minutes > 59 || seconds > 60) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month, Number(day));
  if (date.getUTCMonth() !== month || date.getUTCDate() !== Number(day)) return null;
  return date.setUTCHours(hours, minutes, seconds);
}
