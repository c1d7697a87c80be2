import { EndpointState, VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import { durationMs, parseRevision, perMinute } from '@postrider/core';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { Endpoint, EndpointLimits } from '@postrider/contract/postrider/v1/endpoint';
import type { Tenant } from '@postrider/contract/postrider/v1/tenant';
import type { FieldViolation, Verified } from '@postrider/core';

/** What a change of an endpoint means for its proof that it wants events. */
export type ProofChange = 'ask' | 'not-needed' | 'keep';

/** Whether the endpoint, or each of the tenant, must prove that it wants events before it is sent any. */
export function needsProof({ verification }: Pick<Endpoint | Tenant, 'verification'>): boolean {
  return verification === VerificationMode.CLOUDEVENTS || verification === VerificationMode.CHALLENGE;
}

/**
 * The endpoint with the mode that its tenant asks for, if it names none itself, and what is wrong with one that will not be
 * asked. An endpoint from before goes on as it is until its URL or its mode changes.
 */
export function asTenantAsks(
  wanted: Endpoint,
  tenant: Tenant | undefined,
  before?: Endpoint,
): { readonly endpoint: Endpoint; readonly violations: readonly FieldViolation[] } {
  const isAsBefore = wanted.url === before?.url && wanted.verification === before.verification;
  if (tenant === undefined || !needsProof(tenant) || needsProof(wanted) || isAsBefore) {
    return { endpoint: wanted, violations: [] };
  }
  if (wanted.verification !== VerificationMode.NONE) {
    return { endpoint: { ...wanted, verification: tenant.verification }, violations: [] };
  }
  const description = `must not be NONE: ${tenant.name} asks all its endpoints whether they want events`;
  return { endpoint: wanted, violations: [{ field: 'endpoint.verification', description }] };
}

/** A proof is for the URL that was asked, in the way that it was asked, and for the rate that it agreed to. */
export function proofChange(before: Endpoint, next: Endpoint): ProofChange {
  if (!needsProof(next)) return 'not-needed';
  const isOther = next.url !== before.url || next.verification !== before.verification;
  const isFaster = next.verification === VerificationMode.CLOUDEVENTS && rateOf(next) > rateOf(before);
  return isOther || isFaster ? 'ask' : 'keep';
}

/** The next state of an endpoint whose proof is asked for or not needed any more; one that is disabled stays so. */
export function stateAfter(change: ProofChange, endpoint: Endpoint, now: Date): Endpoint {
  const { state } = endpoint;
  if (change === 'ask' && state === EndpointState.ENABLED) {
    return { ...endpoint, state: EndpointState.PENDING_VERIFICATION };
  }
  if (change === 'not-needed' && state === EndpointState.PENDING_VERIFICATION) {
    return { ...endpoint, state: EndpointState.ENABLED, enableTime: now };
  }
  return endpoint;
}

/** Whether this is the proof that the endpoint still owes: asked for by the newest request for one, or later. */
export function isOwed(config: EndpointConfig | undefined, { endpointRevision }: Verified): boolean {
  const since = parseRevision(config?.verificationSince ?? '');
  const asked = parseRevision(endpointRevision);
  return since !== null && asked !== null && asked >= since;
}

/** The endpoint's limits with the rate that it agreed to, where that is lower than its own. */
export function agreedLimits(endpoint: Endpoint, allowedPerMinute: number | null): EndpointLimits | undefined {
  if (allowedPerMinute === null || rateOf(endpoint) <= allowedPerMinute) return endpoint.limits;
  const own = endpoint.limits ?? { concurrencyMax: 0, timeout: undefined, bodyBytesMax: 0 };
  return { ...own, rateCount: allowedPerMinute, ratePeriod: { seconds: 60n, nanos: 0 } };
}

/** Requests per minute; Infinity: no limit. */
function rateOf({ limits }: Endpoint): number {
  if (limits === undefined || limits.rateCount === 0) return Infinity;
  return perMinute(limits.rateCount, limits.ratePeriod === undefined ? 1_000 : durationMs(limits.ratePeriod));
}
