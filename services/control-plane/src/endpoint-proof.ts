import { EndpointState, VerificationMode } from '@postrider/contract/postrider/v1/endpoint';
import { durationMs, parseRevision, perMinute } from '@postrider/core';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { Endpoint, EndpointLimits } from '@postrider/contract/postrider/v1/endpoint';
import type { Verified } from '@postrider/core';

/** What a change of an endpoint means for its proof that it wants events. */
export type ProofChange = 'ask' | 'not-needed' | 'keep';

/** Whether the endpoint must prove that it wants events before it is sent any. */
export function needsProof({ verification }: Endpoint): boolean {
  return verification === VerificationMode.CLOUDEVENTS || verification === VerificationMode.CHALLENGE;
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
