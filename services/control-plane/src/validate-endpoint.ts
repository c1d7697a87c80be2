import { VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import {
  durationMs,
  isSecretHeader,
  limits,
  validateCustomHeaders,
  validateOrdering,
  validateRetryPolicy,
  validateStatusPolicy,
} from '@postrider/core';
import { checkDisplayName, checkKnown, checkLabels, createViolations, NOT_SUPPORTED } from './validate-common.ts';
import type { Duration } from '@postrider/contract/google/protobuf/duration';
import type { Endpoint, EndpointLimits } from '@postrider/contract/postrider/v1/endpoint';
import type { FieldViolation } from '@postrider/core';
import type { Violations } from './validate-common.ts';

/** Whether a URL may be an endpoint's; null when it may, else the reason's code and a sentence. */
export type JudgeEndpointUrl = (url: string) => { readonly reason: string; readonly detail: string } | null;

/** Everything that is wrong with an endpoint as a client wants it, but for its signing secret. */
export function validateEndpoint(endpoint: Endpoint, judge: JudgeEndpointUrl): readonly FieldViolation[] {
  const violations = createViolations();
  checkDisplayName(violations, 'endpoint.display_name', endpoint.displayName);
  checkLabels(violations, 'endpoint.labels', endpoint.labels);
  const verdict = judge(endpoint.url);
  if (verdict !== null) violations.add('endpoint.url', verdict.detail, verdict.reason);
  checkKnown(violations, 'endpoint.signing.scheme', endpoint.signing?.scheme);
  checkKnown(violations, 'endpoint.attempt_body', endpoint.attemptBody);
  violations.addAll(validateRetryPolicy(endpoint.retryPolicy, 'endpoint.retry_policy'));
  violations.addAll(validateStatusPolicy(endpoint.statusPolicy, 'endpoint.status_policy'));
  if (endpoint.limits !== undefined) checkLimits(violations, endpoint.limits);
  violations.addAll(validateOrdering(endpoint.ordering, 'endpoint.ordering'));
  violations.addAll(validateCustomHeaders(endpoint.headers, 'endpoint.headers'));
  for (const name of Object.keys(endpoint.headers)) {
    if (!isSecretHeader(name)) continue;
    const field = `endpoint.headers[${JSON.stringify(name.slice(0, limits.customHeaderNameMax))}]`;
    violations.add(field, `has a name that says that its value is secret, which ${NOT_SUPPORTED}`);
  }
  checkNotServed(violations, endpoint);
  return violations.list;
}

/** What the contract has and this version does not do is refused, so that nobody relies on what does not happen. */
function checkNotServed(violations: Violations, endpoint: Endpoint): void {
  const { verification } = endpoint;
  const kept: readonly (readonly [field: string, wanted: boolean])[] = [
    ['endpoint.auth', endpoint.auth !== undefined],
    ['endpoint.tls', endpoint.tls !== undefined],
    ['endpoint.verification', !isOneOf(verification, [VerificationMode.UNSPECIFIED, VerificationMode.NONE])],
    ['endpoint.limits.body_bytes_max', (endpoint.limits?.bodyBytesMax ?? 0) !== 0],
    ['endpoint.profile', endpoint.profile !== ''],
  ];
  for (const [field, wanted] of kept) if (wanted) violations.add(field, NOT_SUPPORTED);
}

function isOneOf<T>(value: T | undefined, allowed: readonly T[]): boolean {
  return value === undefined || allowed.includes(value);
}

const HOUR_MS = 3_600_000;

function checkLimits(violations: Violations, { concurrencyMax, rateCount, ratePeriod, timeout }: EndpointLimits): void {
  if (concurrencyMax > limits.laneConcurrencyMax) {
    violations.add('endpoint.limits.concurrency_max', `must be at most ${limits.laneConcurrencyMax}`);
  }
  if (ratePeriod !== undefined) {
    if (!isWithin(ratePeriod, 1_000, HOUR_MS)) {
      violations.add('endpoint.limits.rate_period', 'must be between 1 second and 1 hour');
    }
    if (rateCount === 0) violations.add('endpoint.limits.rate_count', 'must be set when rate_period is');
  }
  const { attemptTimeoutMinMs: least, attemptTimeoutMaxMs: most } = limits;
  if (timeout !== undefined && !isWithin(timeout, least, most)) {
    violations.add('endpoint.limits.timeout', `must be between ${least / 1_000} and ${most / 1_000} seconds`);
  }
}

function isWithin(duration: Duration, leastMs: number, mostMs: number): boolean {
  const ms = durationMs(duration);
  return ms >= leastMs && ms <= mostMs && duration.nanos >= 0;
}
