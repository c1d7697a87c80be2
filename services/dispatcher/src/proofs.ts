import { DeliveryKind } from '@postrider/contract/postrider/v1/delivery';
import { operationResult, type OperationsTopic } from './operations.ts';
import type { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import type { DeliveryView, OperationalEvent } from '@postrider/core';
import type { Result } from './result-record.ts';

/** How a verification ended. */
export type ProofEnding =
  | { readonly proved: true; readonly allowedPerMinute: number | null }
  | { readonly proved: false; readonly reason: DeadReason };

/** Whether a delivery asks its endpoint to prove that it wants events. */
export function isVerification({ kind }: Pick<DeliveryView, 'kind'>): boolean {
  return kind === DeliveryKind.VERIFICATION;
}

/**
 * What the ending of a delivery tells of its endpoint's proof: the control plane acts on it, or a person must. Null: it
 * is no verification.
 * @param endpointRevision of the configuration that asked
 * @param time ms since the Unix epoch
 */
export function proofResult(
  view: DeliveryView,
  endpointRevision: string,
  ending: ProofEnding,
  time: number,
  operations: OperationsTopic,
): Result | null {
  if (!isVerification(view)) return null;
  const { tenant, endpointId, deliveryId, runId } = view;
  const facts = { tenant, endpointId, endpointRevision, deliveryId, runId, time };
  const event: OperationalEvent = ending.proved
    ? { type: 'postrider.endpoint.verified', ...facts, allowedPerMinute: ending.allowedPerMinute }
    : { type: 'postrider.endpoint.verification_failed', ...facts, reason: ending.reason };
  return operationResult(event, operations);
}
