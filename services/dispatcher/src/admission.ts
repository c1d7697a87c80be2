import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { DeliveryKind, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { limits, parseRevision, type DeliveryView } from '@postrider/core';
import type { ConfigView } from '@postrider/config-view';
import type { PreparedEndpoint } from './endpoint-cache.ts';

/**
 * What becomes of a delivery whose turn it is, by the configuration that it was routed by.
 * - `send`: it is sent;
 * - `cancel`: it was pending when its endpoint was disabled without keeping what was; enabled again, it is not sent after all.
 *   Or it is a verification that is not needed any more, or has been asked for anew;
 * - `wait`: its configuration is not read yet, and may never be, or its endpoint has not proved yet that it wants events: it
 *   is looked at again at `until`.
 */
export type Admission =
  | { readonly kind: 'send' }
  | { readonly kind: 'cancel'; readonly reason: CancelReason }
  | { readonly kind: 'wait'; readonly reason: WaitReason; readonly until: number };

/** Judges a delivery (`now`: ms since the Unix epoch). */
export function admissionOf(
  delivery: Pick<DeliveryView, 'kind' | 'endpointRevision' | 'firstSeen'>,
  endpoint: Pick<PreparedEndpoint, 'cancelsBelow' | 'owesSince' | 'endpoint'> | undefined,
  view: Pick<ConfigView, 'reached'>,
  now: number,
): Admission {
  const { kind, endpointRevision, firstSeen } = delivery;
  const age = now - (firstSeen ?? now);
  const until = now + Math.min(Math.max(age, limits.configLookMinMs), limits.configLookMaxMs);
  // Nearly all were routed by the configuration that is in force.
  const isPresent = endpoint !== undefined && endpoint.endpoint.revision === endpointRevision;
  if (!isPresent && !isReached(endpointRevision, view)) return { kind: 'wait', reason: WaitReason.CONFIG, until };
  const below = endpoint?.cancelsBelow ?? null;
  const since = endpoint?.owesSince ?? null;
  const revision = below === null && since === null ? null : parseRevision(endpointRevision);
  if (below !== null && revision !== null && revision < below) {
    return { kind: 'cancel', reason: CancelReason.ENDPOINT_DISABLED };
  }
  const state = endpoint?.endpoint.state;
  const isProof = kind === DeliveryKind.VERIFICATION;
  // Asked anew since: a stranger is not asked twice for what one change wants to know.
  const isSuperseded = since !== null && revision !== null && revision < since;
  if (isProof && (state === EndpointState.ENABLED || isSuperseded))
    return { kind: 'cancel', reason: CancelReason.NOT_NEEDED };
  if (isProof || state !== EndpointState.PENDING_VERIFICATION) return { kind: 'send' };
  return { kind: 'wait', reason: WaitReason.DISABLED, until };
}

/** Whether the config view has reached a revision. A text that is no revision cannot be waited for. */
export function isReached(revision: string, view: Pick<ConfigView, 'reached'>): boolean {
  return parseRevision(revision) === null || view.reached(revision);
}
