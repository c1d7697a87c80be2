import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import type { StatusPolicy } from '@postrider/contract/postrider/v1/endpoint';
import type { FailureOwner, Verdict } from './model.ts';
import { retryAfterMs } from './retry-after.ts';
import { isFinalStatus, isSuccessStatus } from './status-policy.ts';

/** What came of one HTTP request, as the door to the internet tells it. */
export type AttemptResult =
  | {
      readonly kind: 'response';
      readonly status: number;
      /** Flat: name, value, name, value … */
      readonly headers: readonly string[];
      /** The body broke off, or went on beyond what is read without having said how long it would be. */
      readonly bodyTruncated?: boolean;
    }
  | {
      readonly kind: 'failure';
      /** Stable code, for example `connection_refused`. */
      readonly code: string;
      readonly owner: FailureOwner;
      /** One sentence for a person; never a secret or a private address. */
      readonly message: string;
    };

const delivered: Verdict = Object.freeze({
  outcome: Outcome.DELIVERED,
  code: 'ok',
  detail: '',
  retryAfterMs: null,
  final: false,
});

const deliveredTruncated: Verdict = Object.freeze({ ...delivered, code: 'body_truncated' });

const statusesOfARedirect = new Set([301, 302, 303, 307, 308]);
const statusesOfAnOverload = new Set([429, 502, 503, 504]);

/**
 * How an attempt went. A status decides alone, whatever became of the answer's body:
 *
 * - 410 is `gone`, whatever policy says; a success status (200–299 unless policy says otherwise) is `delivered`, with code
 *   `ok`, or `body_truncated` if the answer's body broke off or had no end;
 * - 429, 502, 503 and 504 are `throttled`; a redirect is `rejected` with code `redirect`, for none is ever followed;
 *   every other status is `rejected`. Their code is `status`;
 * - without an answer the failure's owner decides: a shutdown's is `cancelled`, our own is `internal-error`, and every
 *   other is the endpoint's, codes that are not known here included: `blocked`, `timed-out` or else `unreachable`. A name
 *   that cannot be resolved in time is `unreachable`: the endpoint was never asked.
 *
 * @param now wall clock when the answer came, epoch milliseconds: Retry-After may be a date
 */
export function classify(result: AttemptResult, policy: StatusPolicy | undefined, now: number): Verdict {
  if (result.kind === 'failure') return ofFailure(result.code, result.owner, result.message);
  const { status } = result;
  if (status !== 410 && isSuccessStatus(policy, status)) {
    return result.bodyTruncated === true ? deliveredTruncated : delivered;
  }
  return {
    ...ofStatus(status),
    retryAfterMs: retryAfterMs(result.headers, now),
    final: isFinalStatus(policy, status),
  };
}

/**
 * Whether an outcome uses an attempt and counts for or against the endpoint. Failures of our own and shutdowns do not.
 */
export function usesAttempt(outcome: Outcome): boolean {
  switch (outcome) {
    case Outcome.DELIVERED:
    case Outcome.REJECTED:
    case Outcome.THROTTLED:
    case Outcome.UNREACHABLE:
    case Outcome.TIMED_OUT:
    case Outcome.BLOCKED:
    case Outcome.GONE:
      return true;
    case Outcome.UNSPECIFIED:
    case Outcome.INTERNAL_ERROR:
    case Outcome.CANCELLED:
    case Outcome.UNRECOGNIZED:
      return false;
  }
}

function ofStatus(status: number): Pick<Verdict, 'outcome' | 'code' | 'detail'> {
  const code = 'status';
  if (status === 410) return { outcome: Outcome.GONE, code, detail: 'The endpoint answered 410: gone.' };
  const detail = `The endpoint answered ${status}.`;
  if (statusesOfAnOverload.has(status)) return { outcome: Outcome.THROTTLED, code, detail };
  if (statusesOfARedirect.has(status)) {
    const followed = `The endpoint answered ${status}; redirects are not followed.`;
    return { outcome: Outcome.REJECTED, code: 'redirect', detail: followed };
  }
  return { outcome: Outcome.REJECTED, code, detail };
}

function ofFailure(code: string, owner: FailureOwner, detail: string): Verdict {
  return { outcome: outcomeOfFailure(code, owner), code, detail, retryAfterMs: null, final: false };
}

function outcomeOfFailure(code: string, owner: FailureOwner): Outcome {
  if (owner === 'shutdown') return Outcome.CANCELLED;
  if (owner === 'ours') return Outcome.INTERNAL_ERROR;
  if (code.startsWith('blocked')) return Outcome.BLOCKED;
  if (code.endsWith('timeout') && code !== 'dns_timeout') return Outcome.TIMED_OUT;
  return Outcome.UNREACHABLE;
}
