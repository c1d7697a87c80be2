import { Outcome, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { parseRevision, type DeliveryView, type EndpointHold, type EndpointHolds } from '@postrider/core';
import { operationResult, type OperationsTopic } from './operations.ts';
import type { ConfigView } from '@postrider/config-view';
import type { EndpointCache } from './endpoint-cache.ts';
import type { DispatcherEvents } from './events.ts';
import type { Result, WriteResult } from './result-record.ts';

/** Holds the lanes of endpoints that answered 410, and tells of each hold once. */
export interface GoneEndpoints {
  /** An attempt of this delivery was answered 410. What must be written with the attempt; null when it is told already. */
  answered(delivery: DeliveryView, hold: EndpointHold, attempt: number, time: number): Result | null;
  /** A row was loaded: it may tell of a hold that the last owner could not tell of any more. */
  loaded(row: DeliveryView): void;
  /** Forgets what is over. */
  tick(): void;
}

/** What holding needs. */
export interface GoneEndpointsOptions {
  readonly holds: EndpointHolds;
  readonly endpoints: EndpointCache;
  readonly view: Pick<ConfigView, 'reached'>;
  readonly operations: OperationsTopic;
  readonly events: DispatcherEvents;
  readonly writeResult: WriteResult;
  /** The endpoint is held from now on: its lanes follow. */
  readonly onHold: (endpointId: string) => void;
}

/** Holds over one reign; `holds` may be adopted from the last owner. */
export function createGoneEndpoints(options: GoneEndpointsOptions): GoneEndpoints {
  const { holds, endpoints, view, operations } = options;

  function begin(delivery: DeliveryView, hold: EndpointHold, attempt: number, time: number): Result | null {
    if (!holds.begin(hold)) return null;
    options.events.endpointGone(delivery, hold.endpointRevision);
    options.onHold(hold.endpointId);
    const { tenant, deliveryId, runId } = delivery;
    const event = { type: 'postrider.endpoint.gone' as const, tenant, ...hold, deliveryId, runId, attempt, time };
    return { ...operationResult(event, operations), acked: () => holds.told(hold) };
  }

  return {
    answered: begin,
    loaded(row) {
      const hold = holdOf(row);
      if (hold === null || isOver(hold)) return;
      const result = begin(row, hold, row.attempt, row.last?.endedAt ?? row.firstSeen ?? 0);
      if (result !== null) options.writeResult(result, () => undefined);
    },
    tick: () => holds.prune(isOver),
  };

  function isOver({ endpointId, endpointRevision }: EndpointHold): boolean {
    const current = endpoints.get(endpointId)?.endpoint.revision;
    // What this process has not read yet may be what was answered 410.
    if (current === undefined) return view.reached(endpointRevision);
    return (parseRevision(current) ?? -1n) > (parseRevision(endpointRevision) ?? -1n);
  }
}

/** The hold that a waiting row tells of. */
function holdOf({ last, waitReason, endpointId, endpointRevision }: DeliveryView): EndpointHold | null {
  if (last?.outcome !== Outcome.GONE || waitReason !== WaitReason.DISABLED) return null;
  return { endpointId, endpointRevision };
}
