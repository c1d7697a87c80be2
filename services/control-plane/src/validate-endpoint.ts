import { EndpointTls } from '@postrider/contract/postrider/v1/endpoint';
import {
  durationMs,
  limits,
  Secret,
  validateCustomHeaders,
  validateEndpointAuth,
  validateEndpointTls,
  validateOrdering,
  validateRetryPolicy,
  validateStatusPolicy,
} from '@postrider/core';
import { tlsIdentity } from '@postrider/egress';
import { unmasked } from './endpoint-secrets.ts';
import { isSame } from './messages.ts';
import { checkDisplayName, checkKnown, checkLabels, createViolations, NOT_SUPPORTED } from './validate-common.ts';
import type { Duration } from '@postrider/contract/google/protobuf/duration';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { Endpoint, EndpointLimits } from '@postrider/contract/postrider/v1/endpoint';
import type { FieldViolation } from '@postrider/core';
import type { Violations } from './validate-common.ts';

/** Whether a URL may be an endpoint's; null when it may, else the reason's code and a sentence. */
export type JudgeEndpointUrl = (url: string) => { readonly reason: string; readonly detail: string } | null;

/** What an endpoint is judged by. */
export interface EndpointRules {
  readonly judgeUrl: JudgeEndpointUrl;
  readonly now: Date;
  /** The endpoint as it stands, if it is to be changed. */
  readonly before?: EndpointConfig;
}

/** Everything that is wrong with an endpoint as a client wants it, but for its signing secret and missing secrets. */
export function validateEndpoint(endpoint: Endpoint, rules: EndpointRules): readonly FieldViolation[] {
  const violations = createViolations();
  checkDisplayName(violations, 'endpoint.display_name', endpoint.displayName);
  checkLabels(violations, 'endpoint.labels', endpoint.labels);
  checkUrl(violations, 'endpoint.url', endpoint.url, rules);
  checkKnown(violations, 'endpoint.signing.scheme', endpoint.signing?.scheme);
  checkKnown(violations, 'endpoint.attempt_body', endpoint.attemptBody);
  checkKnown(violations, 'endpoint.verification', endpoint.verification);
  violations.addAll(validateRetryPolicy(endpoint.retryPolicy, 'endpoint.retry_policy'));
  violations.addAll(validateStatusPolicy(endpoint.statusPolicy, 'endpoint.status_policy'));
  if (endpoint.limits !== undefined) checkLimits(violations, endpoint.limits);
  violations.addAll(validateOrdering(endpoint.ordering, 'endpoint.ordering'));
  violations.addAll(validateCustomHeaders(unmasked(endpoint, rules.before), 'endpoint.headers'));
  checkAuth(violations, endpoint, rules);
  checkTls(violations, endpoint, rules);
  // What the contract has and this version does not do is refused, so that nobody relies on what does not happen.
  if (endpoint.profile !== '') violations.add('endpoint.profile', NOT_SUPPORTED);
  return violations.list;
}

function checkUrl(violations: Violations, field: string, url: string, { judgeUrl }: EndpointRules): void {
  const verdict = judgeUrl(url);
  if (verdict !== null) violations.add(field, verdict.detail, verdict.reason);
}

function checkAuth(violations: Violations, { auth, headers }: Endpoint, rules: EndpointRules): void {
  const field = 'endpoint.auth';
  violations.addAll(validateEndpointAuth(auth, field));
  if (auth?.method?.$case === 'oauth2') {
    checkUrl(violations, `${field}.oauth2.token_url`, auth.method.value.tokenUrl, rules);
  }
  const name = Object.keys(headers).find((one) => one.toLowerCase() === 'authorization');
  if (auth !== undefined && name !== undefined) {
    violations.add(`endpoint.headers["${name}"]`, `must not be set together with ${field}, which sets this header`);
  }
}

function checkTls(violations: Violations, { tls, url }: Endpoint, { now, before }: EndpointRules): void {
  const stored = before?.endpoint?.tls;
  // A certificate that has expired since must not stand in the way of another change.
  if (tls === undefined || (stored !== undefined && isSame(EndpointTls, stored, tls))) return;
  const field = 'endpoint.tls';
  if (!/^https:/i.test(url)) violations.add(field, 'is for URLs that begin with https:// only');
  const found = validateEndpointTls(tls, now.getTime(), field);
  violations.addAll(found);
  if (found.length > 0) return;
  const { caPem: ca, clientCertificatePem: certificate, clientKeyPem: key } = tls;
  try {
    // What is refused here, such as a key that is too short, would be refused at every connection.
    const client = key === '' ? {} : { client: { certificate, key: new Secret(key) } };
    tlsIdentity({ ...(ca === '' ? {} : { ca }), ...client }).context();
  } catch {
    violations.add(field, 'has a certificate or key that is too weak, or of a kind that TLS cannot use');
  }
}

const HOUR_MS = 3_600_000;

function checkLimits(violations: Violations, endpointLimits: EndpointLimits): void {
  const { concurrencyMax, rateCount, ratePeriod, timeout, bodyBytesMax } = endpointLimits;
  if (bodyBytesMax > limits.bodyBytesMax) {
    violations.add('endpoint.limits.body_bytes_max', `must be at most ${limits.bodyBytesMax}`);
  }
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
