import {
  attemptId,
  deadReasonNumber,
  hasUnreadableRetryAfter,
  internalFailuresAfter,
  moveDelivery,
  tierFor,
  usesAttempt,
  type AttemptDecisionFields,
  type AttemptFields,
  type Clock,
  type Decision,
  type DeliveryChanges,
  type RandomBytes,
  type RandomFraction,
  type Tier,
} from '@postrider/core';
import { poolResourceName } from '@postrider/egress';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { AttemptBodyPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { Outcome, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { attemptResult, type AttemptWriter } from './attempt-record.ts';
import { deadLetterResult } from './dead-letters.ts';
import { operationResult, type OperationsTopic } from './operations.ts';
import { proofResult, type ProofEnding } from './proofs.ts';
import { pauseAskedMs, type Decided } from './dispatch-delivery.ts';
import { breakerNews } from './breaker-news.ts';
import { heed } from './heed.ts';
import type { DispatcherEvents } from './events.ts';
import type { Lanes } from './lanes.ts';
import type { GoneEndpoints } from './gone-endpoints.ts';
import type { Reign } from './reign.ts';
import type { Result } from './result-record.ts';
import type { WaitPlan, WorkTable } from './work-table.ts';

/** What publishing needs of the process and of the reign. */
export interface PublishOptions {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly randomFraction: RandomFraction;
  readonly events: DispatcherEvents;
  readonly reign: Reign;
  readonly table: WorkTable;
  readonly attempts: AttemptWriter;
  readonly gone: GoneEndpoints;
  readonly lanes: Pick<Lanes, 'judge'>;
  readonly operations: OperationsTopic;
  readonly deadLetterTopic: string;
}

/** The last stage: the attempt is written, and with it the row or dead letter that the decision asks for. */
export function createPublish(options: PublishOptions): (decided: Decided) => void {
  const { clock, events, table } = options;
  return (decided) => {
    const { sent } = decided.classified;
    const { work, view } = sent.prepared.flight;
    const fields = attemptFields(options, decided);
    const attempt = attemptResult(fields, options.attempts);
    events.attempted(fields, work);
    const news = heeding(options, decided);
    const { lane } = work;
    if (lane?.waitsForNames === true || lane?.waitsForKey === true) options.lanes.judge(lane);
    if (sent.result.kind === 'response' && decided.decision.kind !== 'done') {
      if (hasUnreadableRetryAfter(sent.result.headers, sent.endedAt)) events.retryAfterIgnored(view);
    }
    const { decision } = decided;
    const results = [attempt];
    for (const told of [news, holding(decided), stopping(decided), proving(decided, options.operations)])
      if (told !== null) results.push(told);
    if (decision.kind === 'done') return table.finish(work, results, 'delivered');
    if (decision.kind === 'cancelled') return table.finish(work, results);
    if (decision.kind !== 'dead') return table.put(work, waitPlanOf(decided, decision, clock.monotonic()), results);
    events.deadLettered(view, decision.reason);
    table.finish(work, [...results, deadLetterOf(decided, decision.reason, attempt.record.value)]);
  };

  /** An answer of 410 holds the endpoint at once, whatever becomes of this delivery. */
  function holding({ classified: { sent, verdict } }: Decided): Result | null {
    if (verdict.outcome !== Outcome.GONE) return null;
    const { flight, number } = sent.prepared;
    const { uid: endpointId, revision: endpointRevision } = flight.endpoint.endpoint;
    return options.gone.answered(flight.view, { endpointId, endpointRevision }, number, sent.endedAt);
  }

  /** What is given up and keeps its place is told of: somebody has to act. */
  function stopping({ decision, classified: { sent } }: Decided): Result | null {
    if (decision.kind !== 'stopped') return null;
    const { reason } = decision;
    const { work, view } = sent.prepared.flight;
    events.laneStopped(view, reason);
    const keyHash = work.order?.keyHash ?? null;
    const event = {
      ...{ type: 'postrider.lane.stopped' as const, tenant: view.tenant, endpointId: view.endpointId },
      ...{ deliveryId: view.deliveryId, runId: view.runId, time: sent.endedAt, reason },
      orderingKeyHash: keyHash === null ? '' : keyHash.toString(16).padStart(16, '0'),
    };
    return operationResult(event, options.operations);
  }

  function deadLetterOf(
    decided: Decided,
    reason: (Decision & { kind: 'dead' })['reason'],
    attempt: Buffer | null,
  ): Result {
    const { sent, verdict } = decided.classified;
    const { delivery, view, work } = sent.prepared.flight;
    return deadLetterResult({
      topic: options.deadLetterTopic,
      partition: options.reign.partition,
      delivery: { header: moveDelivery(delivery.header, countsAfter(decided)), body: delivery.body },
      endpointId: view.endpointId,
      reason,
      intake: work.origin,
      lastAttempt: attempt === null ? undefined : Attempt.decode(attempt),
      time: sent.endedAt,
      detail: verdict.detail,
    });
  }
}

/** The lane heeds what the attempt tells of its endpoint. */
function heeding(options: PublishOptions, { classified }: Decided): Result | null {
  const { lane } = classified.sent.prepared.flight.work;
  if (lane === null) return null;
  const now = options.clock.monotonic();
  const move = heed(lane, classified, now, options.randomFraction);
  if (move === null) return null;
  return breakerNews(move, lane, classified, { events: options.events, operations: options.operations, now });
}

/** What the decision means for an endpoint that was asked for a proof. */
function proving({ decision, classified }: Decided, operations: OperationsTopic): Result | null {
  const { sent, allowedPerMinute } = classified;
  if (decision.kind !== 'done' && decision.kind !== 'dead') return null;
  const { view, endpoint } = sent.prepared.flight;
  const ending: ProofEnding =
    decision.kind === 'done' ? { proved: true, allowedPerMinute } : { proved: false, reason: decision.reason };
  return proofResult(view, endpoint.endpoint.revision, ending, sent.endedAt, operations);
}

/** How the delivery waits by the decision (`monotonic`: ms, now). */
function waitPlanOf(
  decided: Decided,
  decision: Decision & { kind: 'retry' | 'hold' | 'stopped' },
  monotonic: number,
): WaitPlan {
  const { prepared } = decided.classified.sent;
  const counts = countsAfter(decided);
  if (decision.kind === 'retry') {
    const { dueAt } = decision;
    const waitReason = retryReason(decided, dueAt, monotonic);
    return { tier: retryTier(decided, dueAt), changes: { ...counts, dueAt, waitReason } };
  }
  const tier = tierFor(null);
  if (decision.kind === 'hold') {
    // It waits as what is pending of a disabled endpoint does, by the revision that was answered 410.
    const endpointRevision = prepared.flight.endpoint.endpoint.revision;
    return { tier, changes: { ...counts, endpointRevision, dueAt: null, waitReason: WaitReason.DISABLED } };
  }
  const givenUp = deadReasonNumber(decision.reason);
  return { tier, changes: { ...counts, dueAt: null, waitReason: WaitReason.ORDER, givenUp } };
}

/** What the delivery's header says of its attempts after this one. */
function countsAfter({ classified: { sent, verdict } }: Decided): DeliveryChanges {
  const { number, flight } = sent.prepared;
  const { outcome, code } = verdict;
  if (!usesAttempt(outcome)) return { internalFailures: internalFailuresAfter(code, flight.view.internalFailures) };
  const status = sent.result.kind === 'response' ? sent.result.status : 0;
  return { attempt: number, internalFailures: 0, last: { outcome, status, code, endedAt: sent.endedAt } };
}

function attemptFields({ random, attempts, reign }: PublishOptions, { classified, decision }: Decided): AttemptFields {
  const { sent, verdict } = classified;
  const { prepared, result } = sent;
  const { view, endpoint, work, delivery } = prepared.flight;
  const response = result.kind === 'response' ? result : undefined;
  const { timings } = result;
  const keepsBody = prepared.number === 1 && endpoint.endpoint.attemptBody === AttemptBodyPolicy.FIRST;
  return {
    delivery: view,
    attemptId: attemptId(random),
    number: usesAttempt(verdict.outcome) ? prepared.number : 0,
    startedAt: prepared.startedAt,
    timings: {
      queued: Math.max(0, prepared.startedAt - work.readyAt),
      connect: timings.connectMs ?? null,
      firstByte: timings.firstByteMs ?? null,
      total: timings.totalMs,
    },
    outcome: verdict.outcome,
    decision: decisionFields({ classified, decision }),
    status: response?.status ?? 0,
    code: verdict.code,
    detail: verdict.detail,
    responseHeaders: response?.headers ?? [],
    responseExcerpt: result.excerpt ?? null,
    responseTruncated: result.excerptTruncated ?? false,
    requestHeaders: prepared.headers,
    url: endpoint.endpoint.url,
    sourceAddress: result.sourceAddress ?? '',
    egressPool: poolResourceName(endpoint.pool),
    secretKeyId: prepared.keyId,
    endpointRevision: endpoint.endpoint.revision,
    pod: attempts.pod,
    epoch: reign.epoch,
    body: keepsBody ? delivery.body : null,
    requestBodyBytes: delivery.body.length,
  };
}

function decisionFields(decided: Decided): AttemptDecisionFields {
  const { decision } = decided;
  if (decision.kind === 'hold') return { kind: 'retry', dueAt: null, tier: tierFor(null) };
  if (decision.kind !== 'retry') return decision;
  return { kind: 'retry', dueAt: decision.dueAt, tier: retryTier(decided, decision.dueAt) };
}

/** Where another attempt waits: for its time, unless its endpoint was disabled meanwhile and nobody knows how long. */
function retryTier({ classified: { sent } }: Decided, dueAt: number): Tier {
  return tierFor(isDisabled(sent) ? null : dueAt - sent.endedAt);
}

/** What another attempt waits for. Due when the endpoint may be asked again, it tells the next owner why. */
function retryReason({ classified }: Decided, dueAt: number, monotonic: number): WaitReason {
  const { sent } = classified;
  if (isDisabled(sent)) return WaitReason.DISABLED;
  const pauseMs = pauseAskedMs(classified);
  if (pauseMs > 0 && dueAt <= Math.ceil(sent.endedAt + pauseMs)) return WaitReason.RATE_LIMITED;
  const breaker = sent.prepared.flight.work.lane?.breaker;
  if (breaker?.closed === false && dueAt - sent.endedAt <= breaker.openAt - monotonic) return WaitReason.BREAKER_OPEN;
  return WaitReason.RETRY;
}

function isDisabled({ prepared }: Decided['classified']['sent']): boolean {
  return prepared.flight.work.lane?.gate.kind === 'disabled';
}
