import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import type { AttemptFields } from '@postrider/core';
import type { Metrics, Spans } from '@postrider/runtime';
import type { Work } from './work.ts';

const latencyBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 60, 3_600, 86_400];
const lagBounds = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 5, 30, 300, 3_600];

/** Tells of attempts how late they were and how long their deliveries took, and writes their spans. */
export function attemptTeller(metrics: Metrics, spans: Spans): (attempt: AttemptFields, work: Work) => void {
  const latency = metrics.histogram(
    'postrider_delivery_latency_seconds',
    'From the first sight of an event to its delivery',
    latencyBounds,
    ['attempts'],
  );
  const lag = metrics.histogram(
    'postrider_due_lag_seconds',
    'From due, or read, to the start of an attempt, by kind of work',
    lagBounds,
    ['kind'],
  );
  const delivered = { first: latency.with({ attempts: 'first' }), later: latency.with({ attempts: 'later' }) };
  const late = {
    live: lag.with({ kind: 'live' }),
    retry: lag.with({ kind: 'retry' }),
    bulk: lag.with({ kind: 'bulk' }),
  };
  return (attempt, work) => {
    const { timings, outcome, number } = attempt;
    if (timings.queued !== null) late[kindOf(work)].record(timings.queued / 1_000);
    const age = ageMs(attempt);
    if (outcome === Outcome.DELIVERED && age !== null) delivered[number > 1 ? 'later' : 'first'].record(age / 1_000);
    if (spans.on) addSpan(spans, attempt);
  };
}

/** What has waited in a retry tier is a retry, whatever for. */
function kindOf({ tier, origin }: Work): 'live' | 'retry' | 'bulk' {
  if (tier !== null) return 'retry';
  return origin.bulk ? 'bulk' : 'live';
}

/** From the first sight of the event to the end of the attempt; null: the record does not say. */
function ageMs({ delivery, startedAt, timings }: AttemptFields): number | null {
  if (delivery.firstSeen === null) return null;
  return Math.max(0, startedAt + (timings.total ?? 0) - delivery.firstSeen);
}

/** A retry may come days later: it begins a trace of its own, linked to the producer’s. */
function addSpan(spans: Spans, attempt: AttemptFields): void {
  const { delivery, number, outcome, code, startedAt, timings, status } = attempt;
  spans.add({
    name: 'postrider attempt',
    kind: 'client',
    traceparent: delivery.traceparent,
    tracestate: delivery.tracestate,
    linked: number > 1,
    startedAt,
    endedAt: startedAt + (timings.total ?? 0),
    attributes: {
      'postrider.tenant': delivery.tenant,
      'postrider.endpoint': delivery.endpointId,
      'postrider.delivery': delivery.deliveryId,
      'postrider.attempt': number,
      'postrider.outcome': outcome,
      'postrider.decision': attempt.decision.kind,
      'postrider.queued_ms': timings.queued ?? 0,
      'http.response.status_code': status,
    },
    ...(outcome === Outcome.DELIVERED ? {} : { problem: code }),
  });
}

/** The one wide line of an attempt. */
export function attemptLine(attempt: AttemptFields): Record<string, unknown> {
  const { delivery, decision, timings } = attempt;
  const retry = decision.kind === 'retry' ? decision : undefined;
  // Members without a value are not written.
  return {
    tenant: delivery.tenant,
    endpoint: delivery.endpointId,
    delivery: delivery.deliveryId,
    run: delivery.runId,
    webhook: delivery.webhookId,
    attemptId: attempt.attemptId,
    number: attempt.number,
    outcome: attempt.outcome,
    decision: decision.kind,
    // As text: a line of plain values is written faster.
    dueAt: typeof retry?.dueAt === 'number' ? new Date(retry.dueAt).toISOString() : retry?.dueAt,
    tier: retry?.tier,
    reason: 'reason' in decision ? decision.reason : undefined,
    status: attempt.status,
    code: attempt.code,
    queuedMs: timings.queued,
    totalMs: rounded(timings.total),
    ageMs: rounded(ageMs(attempt)),
    pool: attempt.egressPool,
    traceparent: delivery.traceparent === '' ? undefined : delivery.traceparent,
    eventType: delivery.eventType,
    bodyBytes: attempt.requestBodyBytes,
    epoch: attempt.epoch,
  };
}

/** To a tenth: what is finer says nothing, and takes room in every line. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
