import { limits } from './limits.ts';

/**
 * No name could be resolved here. It is known at once when that is over, and until then what failed so stands at a gate: so
 * another try need not be put off further each time.
 */
const namesUnanswered = new Set(['dns_failure', 'dns_timeout']);

/** Nearly no endpoint answered the process: one request a second asks whether that is over (`pod-judgement.ts`). */
export const cutOffCode = 'cut_off';

/** A key-encryption key cannot be had now, and so nothing of the tenant can be signed: it is known at once when that is over. */
export const keyMissingCode = 'key_unavailable';

/**
 * Failures of our own that say nothing about the delivery: nothing can leave the house as it should, or no more may now. An operator, or time,
 * opens the way again, and then every delivery goes on.
 */
const wayOutIsClosed = new Set([
  ...namesUnanswered,
  cutOffCode,
  keyMissingCode,
  'pool_unavailable',
  'proxy_unavailable',
  'proxy_timeout',
  'proxy_auth',
  'proxy_denied',
  'proxy_error',
  'token_deferred',
  // Until its endpoint is given another one.
  'secret_unreadable',
]);

/** Whether a failure of our own, which bore `code`, is that no name could be resolved. */
export function waitsForNames(code: string): boolean {
  return namesUnanswered.has(code);
}

/** Whether after such a failure of our own it is known at once when it is over, so that another try need not be put off. */
export function isOverAtOnce(code: string): boolean {
  return waitsForNames(code) || code === cutOffCode || code === keyMissingCode;
}

/** Of these a delivery counts so many at most: far enough for the longest backoff, never enough to be given up. */
const countedMax = limits.internalFailuresMax / 2;

/**
 * How many failures of our own a delivery has behind it in a row after one more, which bore `code`. No delivery is given up
 * because the way out was closed, however long: it waits for that until it expires.
 */
export function internalFailuresAfter(code: string, before: number): number {
  if (!wayOutIsClosed.has(code)) return before + 1;
  return before >= countedMax ? before : before + 1;
}
