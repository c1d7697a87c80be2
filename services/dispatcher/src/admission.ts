import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { limits, parseRevision, type DeliveryView } from '@postrider/core';
import type { ConfigView } from '@postrider/config-view';
import type { PreparedEndpoint } from './endpoint-cache.ts';

/**
 * What becomes of a delivery whose turn it is, by the configuration that it was routed by.
 * - `send`: it is sent;
 * - `cancel`: it was pending when its endpoint was disabled without keeping what was; enabled again, it is not sent after all;
 * - `wait`: its configuration is not read yet, and may never be: it is looked at again at `until`.
 */
export type Admission =
  | { readonly kind: 'send' }
  | { readonly kind: 'cancel'; readonly reason: CancelReason }
  | { readonly kind: 'wait'; readonly until: number };

/** Judges a delivery (`now`: ms since the Unix epoch). */
export function admissionOf(
  delivery: Pick<DeliveryView, 'endpointRevision' | 'firstSeen'>,
  endpoint: Pick<PreparedEndpoint, 'cancelsBelow'> | undefined,
  view: Pick<ConfigView, 'reached'>,
  now: number,
): Admission {
  const { endpointRevision, firstSeen } = delivery;
  if (!isReached(endpointRevision, view)) {
    const age = now - (firstSeen ?? now);
    return { kind: 'wait', until: now + Math.min(Math.max(age, limits.configLookMinMs), limits.configLookMaxMs) };
  }
  const below = endpoint?.cancelsBelow ?? null;
  const revision = parseRevision(endpointRevision);
  if (below === null || revision === null || revision >= below) return { kind: 'send' };
  return { kind: 'cancel', reason: CancelReason.ENDPOINT_DISABLED };
}

/** Whether the config view has reached a revision. A text that is no revision cannot be waited for. */
export function isReached(revision: string, view: Pick<ConfigView, 'reached'>): boolean {
  return parseRevision(revision) === null || view.reached(revision);
}
