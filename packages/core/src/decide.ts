import { type CancelReason, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { limits } from './limits.ts';
import type { Decision, EpochMs, RandomFraction, Verdict } from './model.ts';
import { boundRetryAfterMs } from './retry-after.ts';
import { delayBefore, stepBefore, type ResolvedRetryPolicy } from './retry-schedule.ts';
import { internalFailuresAfter, isOverAtOnce } from './way-out.ts';

/** What the decision is made from: how the attempt went, and where the delivery stands. */
export interface DecideInput extends Pick<Verdict, 'outcome' | 'code' | 'retryAfterMs' | 'final'> {
  /** Number of the attempt that just ended, from 1. */
  readonly attempt: number;
  /** Failures of our own since the last attempt, this one not counted: what the delivery's header says. */
  readonly internalFailures: number;
  readonly policy: ResolvedRetryPolicy;
  /** Wall clock. */
  readonly now: EpochMs;
  readonly expiresAt: EpochMs;
  readonly random: RandomFraction;
  /** Order is kept, and what stands behind a delivery that is given up waits for a person. */
  readonly stops?: boolean;
  /** Why the attempt was cancelled, if the delivery itself is; absent for a shutdown, which cancels no delivery. */
  readonly cancelReason?: CancelReason;
}

/**
 * What happens after an attempt.
 *
 * | outcome | decision |
 * |---|---|
 * | `delivered` | done |
 * | `rejected`, `throttled`, `unreachable`, `timed-out` | retry after the schedule's delay; after its last, dead `exhausted`; a status that policy calls final: dead `rejected` |
 * | `blocked` | as above, and dead `blocked` in the end: a name may stop pointing at a forbidden address. A forbidden URL (`blocked_url`) does not heal: dead `blocked` at once; nor does a body that is larger than its endpoint takes (`blocked_body`): dead `too-large` at once |
 * | `gone` | hold: it waits until its endpoint's configuration has changed; after the schedule's last attempt, or when policy calls 410 final, dead `gone` |
 * | `internal-error` | retry with a backoff of our own, no attempt used; at the 20th, dead `internal-error`, unless only the way out is closed (`way-out.ts`); while no name, or nobody at all, is answered the backoff does not grow |
 * | `cancelled` | cancelled, if there is a reason; after a shutdown, retry at once, no attempt used |
 *
 * Retry-After is honoured where it asks for more than the schedule, within the bounds of `boundRetryAfterMs`. A retry is
 * never due before `now` + its delay; one that would not be due before `expiresAt` is not made: dead `expired`.
 *
 * Where order stops behind what is given up, everything that would be dead is stopped instead; but not what has expired.
 */
export function decide(input: DecideInput): Decision {
  const decision = decideAlone(input);
  if (input.stops !== true || decision.kind !== 'dead' || decision.reason === DeadReason.EXPIRED) return decision;
  return { kind: 'stopped', reason: decision.reason };
}

function decideAlone(input: DecideInput): Decision {
  switch (input.outcome) {
    case Outcome.DELIVERED:
      return { kind: 'done' };
    case Outcome.GONE:
      return afterGone(input);
    case Outcome.BLOCKED:
      if (input.code === 'blocked_url') return { kind: 'dead', reason: DeadReason.BLOCKED };
      if (input.code === 'blocked_body') return { kind: 'dead', reason: DeadReason.TOO_LARGE };
      return afterEndpointFailure(input, DeadReason.BLOCKED);
    case Outcome.REJECTED:
    case Outcome.THROTTLED:
    case Outcome.UNREACHABLE:
    case Outcome.TIMED_OUT:
      return afterEndpointFailure(input, DeadReason.EXHAUSTED);
    case Outcome.CANCELLED:
      if (input.cancelReason !== undefined) return { kind: 'cancelled', reason: input.cancelReason };
      return retryAfter(input, 0, false);
    // An outcome that this version does not know can only come from a fault of ours.
    case Outcome.UNSPECIFIED:
    case Outcome.UNRECOGNIZED:
    case Outcome.INTERNAL_ERROR:
      return afterInternalFailure(input);
  }
}

function afterEndpointFailure(input: DecideInput, exhausted: DeadReason): Decision {
  if (input.final) return { kind: 'dead', reason: DeadReason.REJECTED };
  const repetition = input.attempt - 1;
  const delay = delayBefore(input.policy, repetition, input.random);
  if (delay === null) return { kind: 'dead', reason: exhausted };
  if (input.retryAfterMs === null) return retryAfter(input, delay, true);
  const asked = boundRetryAfterMs(input.retryAfterMs, stepBefore(input.policy, repetition));
  return retryAfter(input, Math.max(delay, asked), true);
}

function afterGone({ final, policy, attempt, now, expiresAt }: DecideInput): Decision {
  if (final || stepBefore(policy, attempt - 1) === null) return { kind: 'dead', reason: DeadReason.GONE };
  return now < expiresAt ? { kind: 'hold' } : { kind: 'dead', reason: DeadReason.EXPIRED };
}

function afterInternalFailure(input: DecideInput): Decision {
  const failures = internalFailuresAfter(input.code, input.internalFailures);
  // Written so that a count that is no number ends the delivery too: it must never be repeated without end.
  if (!(failures < limits.internalFailuresMax)) return { kind: 'dead', reason: DeadReason.INTERNAL_ERROR };
  const backoffMs = internalBackoffMs(isOverAtOnce(input.code) ? 1 : failures, input.random);
  return retryAfter(input, backoffMs, false);
}

/** How long a delivery waits after its `failures`-th failure of our own in a row (ms). */
export function internalBackoffMs(failures: number, random: RandomFraction): number {
  const step = Math.min(limits.internalBackoffCapMs, limits.internalBackoffBaseMs * 2 ** (failures - 1));
  return step * (1 + limits.retryJitterDefaultFraction * random());
}

function retryAfter(input: DecideInput, delayMs: number, usesAttempt: boolean): Decision {
  const dueAt = Math.ceil(input.now + delayMs);
  if (!(dueAt < input.expiresAt)) return { kind: 'dead', reason: DeadReason.EXPIRED };
  return { kind: 'retry', dueAt, usesAttempt };
}
