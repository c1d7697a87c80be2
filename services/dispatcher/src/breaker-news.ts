import { operationResult, type OperationsTopic } from './operations.ts';
import { idsOf } from './delivery-ids.ts';
import type { BreakerMove, DeliveryView } from '@postrider/core';
import type { Logger, Metrics } from '@postrider/runtime';
import type { Classified } from './dispatch-delivery.ts';
import type { Lane } from './lane.ts';
import type { Result } from './result-record.ts';

/** What happens to breakers of endpoints. */
export interface BreakerEvents {
  /** It moved by an attempt of this delivery; for so long (ms) nothing starts. */
  breakerMoved(delivery: DeliveryView, move: BreakerMove, openMs: number): void;
}

/** Events that go to a log and to metrics. */
export function breakerEvents(log: Logger, metrics: Metrics): BreakerEvents {
  const moves = metrics.counter('postrider_breaker_moves', 'Moves of endpoints’ breakers', ['move']);
  return {
    breakerMoved(delivery, move, openMs) {
      moves.with({ move }).add();
      const ids = idsOf(delivery);
      if (move === 'closed') log.info(ids, 'endpoint.recovered');
      else log.warn({ ...ids, move, openMs: Math.round(openMs) }, 'endpoint.failing: nothing is sent for a while');
    },
  };
}

/** What tells of a move needs. */
export interface BreakerNewsOptions {
  readonly events: BreakerEvents;
  readonly operations: OperationsTopic;
}

/**
 * Tells that the breaker of an attempt's lane moved (`now`: ms, monotonic): whoever looks after the endpoint is told when
 * it begins to fail and when it works again, not of each time that it is asked in between. What must be written with the
 * attempt; null: nothing.
 */
export function breakerNews(
  move: BreakerMove,
  lane: Lane,
  { verdict, sent }: Classified,
  { events, operations, now }: BreakerNewsOptions & { readonly now: number },
): Result | null {
  const { flight, number: attempt } = sent.prepared;
  const { tenant, endpointId, deliveryId, runId } = flight.view;
  events.breakerMoved(flight.view, move, (lane.breaker?.openAt ?? now) - now);
  const facts = { tenant, endpointId, deliveryId, runId, attempt, time: sent.endedAt };
  if (move === 'reopened') return null;
  if (move === 'closed') return operationResult({ type: 'postrider.endpoint.recovered', ...facts }, operations);
  const status = sent.result.kind === 'response' ? sent.result.status : 0;
  const event = { type: 'postrider.endpoint.failing' as const, ...facts, code: verdict.code, status };
  return operationResult(event, operations);
}
