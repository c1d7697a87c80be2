import { CancelReason, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { DeliveryKind, Outcome, RunKind } from '@postrider/contract/postrider/v1/delivery';
import type { DeliveryView } from './delivery-header.ts';
import { enumNumbers } from './enum-table.ts';
import { headerFieldsWriter } from './header-fields.ts';
import {
  beginMessage,
  closeMessage,
  finishMessage,
  openMessage,
  putBool,
  putBytes,
  putDuration,
  putInt64,
  putRaw,
  putText,
  putTimestamp,
  putUint32,
} from './wire-writer.ts';

/** How long the parts of an attempt took, in milliseconds; null: not reached. */
export interface AttemptTimingsMs {
  readonly queued: number | null;
  readonly connect: number | null;
  readonly firstByte: number | null;
  readonly total: number | null;
}

/** What happens after the attempt, with what the record says of it. */
export type AttemptDecisionFields =
  | { readonly kind: 'done' }
  /** `dueAt`: milliseconds since the Unix epoch; null: nobody knows. `tier`: logical topic name. */
  | { readonly kind: 'retry'; readonly dueAt: number | null; readonly tier: string }
  | { readonly kind: 'dead' | 'stopped'; readonly reason: DeadReason }
  | { readonly kind: 'cancelled'; readonly reason: CancelReason };

/** Everything that an `Attempt` record says. What it has from its delivery is taken from `delivery`. */
export interface AttemptFields {
  readonly delivery: DeliveryView;
  readonly attemptId: string;
  /** Number within the run, from 1; 0 when no attempt was used. */
  readonly number: number;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly timings: AttemptTimingsMs;
  readonly outcome: Outcome;
  readonly decision: AttemptDecisionFields;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** Names and values in turn, as on the wire; written as headers are kept. */
  readonly responseHeaders: readonly string[];
  /** Null: none. */
  readonly responseExcerpt: Buffer | null;
  readonly responseTruncated: boolean;
  /** The same of the request. */
  readonly requestHeaders: readonly string[];
  readonly url: string;
  readonly sourceAddress: string;
  readonly egressPool: string;
  readonly secretKeyId: string;
  /** Revision of the endpoint that was in force, which may be newer than the delivery's. */
  readonly endpointRevision: string;
  readonly pod: string;
  readonly epoch: number;
  /** The body, where policy asks for it; null: not recorded. */
  readonly body: Buffer | null;
  /** Length of the request body in bytes. */
  readonly requestBodyBytes: number;
}

const outcomes = enumNumbers(Outcome);
const runKinds = enumNumbers(RunKind);
const kinds = enumNumbers(DeliveryKind);
const deadReasons = enumNumbers(DeadReason);
const cancelReasons = enumNumbers(CancelReason);
const writeResponseHeaders = headerFieldsWriter(98);
const writeRequestHeaders = headerFieldsWriter(122);

/** The value of a record on `attempts`: what `Attempt.encode` would write, several times faster. Never throws. */
export function encodeAttempt(fields: AttemptFields): Buffer {
  const { delivery } = fields;
  beginMessage();
  putText(10, fields.attemptId);
  putText(18, delivery.deliveryId);
  const run = openMessage(26);
  putUint32(8, runKinds.get(delivery.runKind) ?? 0);
  putText(18, delivery.runId);
  closeMessage(run);
  putUint32(32, fields.number);
  putTimestamp(42, fields.startedAt);
  writeTimings(fields.timings);
  putUint32(56, outcomes.get(fields.outcome) ?? 0);
  writeDecision(fields.decision);
  putUint32(72, fields.status);
  putText(82, fields.code);
  putText(90, fields.detail);
  writeResponseHeaders(fields.responseHeaders);
  if (fields.responseExcerpt !== null && fields.responseExcerpt.length > 0) putBytes(106, fields.responseExcerpt);
  putBool(112, fields.responseTruncated);
  writeRequestHeaders(fields.requestHeaders);
  putText(130, fields.url);
  putText(138, fields.sourceAddress);
  putText(146, fields.egressPool);
  putText(154, fields.secretKeyId);
  putText(162, fields.endpointRevision);
  putText(170, fields.pod);
  putInt64(176, fields.epoch);
  if (delivery.sourceEnd > 0) {
    const source = openMessage(186);
    putRaw(delivery.header, delivery.sourceStart, delivery.sourceEnd);
    closeMessage(source);
  }
  if (fields.body !== null) putBytes(194, fields.body);
  putText(202, delivery.tenant);
  putText(210, delivery.endpointId);
  putText(218, delivery.webhookId);
  putText(226, delivery.eventType);
  putUint32(232, kinds.get(delivery.kind) ?? 0);
  putUint32(240, fields.requestBodyBytes);
  return finishMessage();
}

function writeTimings({ queued, connect, firstByte, total }: AttemptTimingsMs): void {
  const body = openMessage(50);
  if (queued !== null) putDuration(10, queued);
  if (connect !== null) putDuration(18, connect);
  if (firstByte !== null) putDuration(26, firstByte);
  if (total !== null) putDuration(34, total);
  closeMessage(body);
}

function writeDecision(decision: AttemptDecisionFields): void {
  const body = openMessage(66);
  switch (decision.kind) {
    case 'done':
      closeMessage(openMessage(10));
      break;
    case 'retry': {
      const retry = openMessage(18);
      if (decision.dueAt !== null) putTimestamp(10, decision.dueAt);
      putText(18, decision.tier);
      closeMessage(retry);
      break;
    }
    case 'dead': {
      const dead = openMessage(26);
      putUint32(8, deadReasons.get(decision.reason) ?? 0);
      closeMessage(dead);
      break;
    }
    case 'stopped': {
      const stopped = openMessage(42);
      putUint32(8, deadReasons.get(decision.reason) ?? 0);
      closeMessage(stopped);
      break;
    }
    case 'cancelled': {
      const cancelled = openMessage(34);
      putUint32(8, cancelReasons.get(decision.reason) ?? 0);
      closeMessage(cancelled);
      break;
    }
  }
  closeMessage(body);
}
