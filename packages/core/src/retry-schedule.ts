import type { RetryPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { durationMs } from './duration.ts';
import { limits } from './limits.ts';
import type { RandomFraction } from './model.ts';
import { validateRetryPolicy } from './retry-policy.ts';

/** The delays before the repetitions of a failed attempt. */
export type RetrySchedule =
  /** Before repetition k: `delaysMs[k]`. */
  | { readonly kind: 'list'; readonly delaysMs: readonly number[] }
  /** Before repetition k: min(capMs, baseMs × factor^k); `repetitions` in all. */
  | {
      readonly kind: 'exponential';
      readonly baseMs: number;
      readonly factor: number;
      readonly capMs: number;
      readonly repetitions: number;
    };

/** A retry policy with nothing left open. */
export interface ResolvedRetryPolicy {
  readonly schedule: RetrySchedule;
  /** Each delay is lengthened by a random part of up to this fraction. */
  readonly jitter: number;
  /** From first_seen to expires_at, in milliseconds. */
  readonly retrySpanMs: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** 12 attempts, 71 hours from the first to the last without jitter. */
const defaultSchedule: RetrySchedule = Object.freeze({
  kind: 'list',
  delaysMs: Object.freeze([
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
    24 * HOUR,
  ]),
});

/** The policy of an endpoint that has none of its own: about 12 attempts over about 72 hours. */
export const defaultRetryPolicy: ResolvedRetryPolicy = complete(defaultSchedule, undefined, undefined);

/**
 * The policy as it is obeyed. What is not set is the default's. A policy that breaks a bound (the control plane refuses
 * it, so it was not written by this version) is replaced by the default as a whole: an endpoint is never tried without
 * end, nor dropped for a setting that we cannot read.
 */
export function resolveRetryPolicy(policy: RetryPolicy | undefined): ResolvedRetryPolicy {
  if (policy === undefined || validateRetryPolicy(policy).length > 0) return defaultRetryPolicy;
  const spanMs = policy.retrySpan === undefined ? undefined : durationMs(policy.retrySpan);
  return complete(scheduleOf(policy), policy.jitter, spanMs);
}

/**
 * The delay before repetition `repetition` (from 0; the attempt before it has number `repetition` + 1), in whole
 * milliseconds: the schedule's, lengthened by the jitter, never shortened. Null: there is no further attempt.
 */
export function delayBefore(policy: ResolvedRetryPolicy, repetition: number, random: RandomFraction): number | null {
  const step = stepBefore(policy, repetition);
  return step === null ? null : Math.ceil(step * (1 + policy.jitter * random()));
}

/** The schedule's own delay before a repetition, without jitter; null when there is none. */
export function stepBefore(policy: ResolvedRetryPolicy, repetition: number): number | null {
  if (!Number.isInteger(repetition) || repetition < 0) return null;
  const { schedule } = policy;
  if (schedule.kind === 'list') return schedule.delaysMs[repetition] ?? null;
  if (repetition >= schedule.repetitions) return null;
  return Math.min(schedule.capMs, schedule.baseMs * schedule.factor ** repetition);
}

/** Attempts in all, the first included. */
export function attemptsOf(policy: ResolvedRetryPolicy): number {
  const { schedule } = policy;
  return 1 + (schedule.kind === 'list' ? schedule.delaysMs.length : schedule.repetitions);
}

/** How long a delivery is retried, from first_seen to expires_at, in milliseconds. */
export function retrySpanMs(policy: ResolvedRetryPolicy): number {
  return policy.retrySpanMs;
}

function complete(
  schedule: RetrySchedule,
  jitter: number | undefined,
  spanMs: number | undefined,
): ResolvedRetryPolicy {
  const policy = { schedule, jitter: jitter ?? limits.retryJitterDefaultFraction, retrySpanMs: 0 };
  return Object.freeze({ ...policy, retrySpanMs: spanMs ?? spanFor(policy) });
}

/**
 * Long enough for the whole schedule: every delay at its longest, every attempt at its longest, and some patience. A
 * single attempt may still have to wait for its turn.
 */
function spanFor(policy: ResolvedRetryPolicy): number {
  const attempts = attemptsOf(policy);
  let sum = attempts * limits.attemptTimeoutMaxMs + limits.retrySpanSlackMs;
  for (let k = 0; k < attempts - 1; k++) sum += delayBefore(policy, k, () => 1) ?? 0;
  return Math.min(Math.max(sum, limits.retrySpanDefaultMinMs), limits.retrySpanMaxMs);
}

function scheduleOf(policy: RetryPolicy): RetrySchedule {
  switch (policy.schedule?.$case) {
    case undefined:
      return defaultSchedule;
    case 'delays':
      return { kind: 'list', delaysMs: policy.schedule.value.delays.map(durationMs) };
    case 'exponential': {
      const { base, factor, cap, attempts } = policy.schedule.value;
      const zero = { seconds: 0n, nanos: 0 };
      const baseMs = durationMs(base ?? zero);
      return { kind: 'exponential', baseMs, factor, capMs: durationMs(cap ?? zero), repetitions: attempts - 1 };
    }
  }
}
