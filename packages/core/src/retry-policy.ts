import type { Duration } from '@postrider/contract/google/protobuf/duration';
import type { DelayList, ExponentialBackoff, RetryPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { durationMs } from './duration.ts';
import type { FieldViolation } from './errors.ts';
import { limits } from './limits.ts';

const DAY_MS = 86_400_000;
const SPAN = `${limits.retrySpanMaxMs / DAY_MS} days`;

/**
 * What is wrong with a retry policy, all of it; nothing for a policy that may be obeyed.
 * @param field path of the policy in the request, for example `endpoint.retry_policy`
 */
export function validateRetryPolicy(policy: RetryPolicy | undefined, field = 'retry_policy'): FieldViolation[] {
  if (policy === undefined) return [];
  const violations: FieldViolation[] = [];
  const report = (part: string, description: string) => violations.push({ field: `${field}.${part}`, description });
  if (policy.schedule?.$case === 'delays') validateDelays(policy.schedule.value, report);
  if (policy.schedule?.$case === 'exponential') validateExponential(policy.schedule.value, report);
  const { jitter, retrySpan } = policy;
  if (jitter !== undefined && !(jitter >= 0 && jitter <= 1)) report('jitter', 'must be between 0 and 1');
  if (retrySpan !== undefined && !within(retrySpan, limits.retrySpanMinMs, limits.retrySpanMaxMs)) {
    report('retry_span', `must be between ${limits.retrySpanMinMs / 1_000} second and ${SPAN}`);
  }
  return violations;
}

type Report = (part: string, description: string) => void;

function validateDelays({ delays }: DelayList, report: Report): void {
  if (delays.length > limits.retryDelaysMax) {
    return report('delays', `has ${delays.length} delays; at most ${limits.retryDelaysMax} are allowed`);
  }
  let sum = 0;
  let previous = 0;
  for (const [index, delay] of delays.entries()) {
    if (!within(delay, 0, limits.retryDelayMaxMs)) {
      return report(`delays.delays[${index}]`, `must be between 0 seconds and ${SPAN}`);
    }
    const ms = durationMs(delay);
    if (ms < previous) {
      return report(`delays.delays[${index}]`, 'must not be shorter than the delay before it');
    }
    previous = ms;
    sum += ms;
  }
  if (sum > limits.retrySpanMaxMs) report('delays', `adds up to ${days(sum)}; at most ${SPAN} are allowed`);
}

function validateExponential(value: ExponentialBackoff, report: Report): void {
  const { base, factor, cap, attempts } = value;
  const baseFits = base !== undefined && within(base, limits.retryBaseMinMs, limits.retryDelayMaxMs);
  if (!baseFits) {
    report('exponential.base', `must be between ${limits.retryBaseMinMs} milliseconds and ${SPAN}`);
  }
  const factorFits = factor >= 1 && factor <= limits.retryFactorMax;
  if (!factorFits) report('exponential.factor', `must be between 1 and ${limits.retryFactorMax}`);
  const capFits = cap !== undefined && within(cap, baseFits ? durationMs(base) : 0, limits.retryDelayMaxMs);
  if (!capFits) report('exponential.cap', `must be between the base and ${SPAN}`);
  const attemptsFit = Number.isInteger(attempts) && attempts >= 1 && attempts <= limits.retryAttemptsMax;
  if (!attemptsFit) report('exponential.attempts', `must be a whole number of 1–${limits.retryAttemptsMax}`);
  if (!baseFits || !factorFits || !capFits || !attemptsFit) return;
  let sum = 0;
  for (let k = 0; k < attempts - 1; k++) sum += Math.min(durationMs(cap), durationMs(base) * factor ** k);
  if (sum > limits.retrySpanMaxMs) {
    report('exponential', `adds up to ${days(sum)}; at most ${SPAN} are allowed: lower attempts or cap`);
  }
}

function within(duration: Duration, leastMs: number, mostMs: number): boolean {
  const ms = durationMs(duration);
  // Rounding up to a millisecond hides a part that is negative.
  return ms >= leastMs && ms <= mostMs && duration.nanos >= 0;
}

function days(ms: number): string {
  return `${(ms / DAY_MS).toFixed(1)} days`;
}
