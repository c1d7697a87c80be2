import {
  attemptId,
  deadReasonOf,
  readDelivery,
  type AttemptFields,
  type Clock,
  type DeliveryView,
  type RandomBytes,
} from '@postrider/core';
import { DeadReason, type CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { admissionOf } from './admission.ts';
import { attemptResult, type AttemptWriter } from './attempt-record.ts';
import { deadLetterResult } from './dead-letters.ts';
import { proofResult } from './proofs.ts';
import type { ConfigView } from '@postrider/config-view';
import type { EndpointCache, PreparedEndpoint } from './endpoint-cache.ts';
import type { DispatcherEvents } from './events.ts';
import type { OperationsTopic } from './operations.ts';
import type { Reign } from './reign.ts';
import type { Result } from './result-record.ts';
import type { StoredDelivery } from './waiting-store.ts';
import type { Work } from './work.ts';
import type { Ending, WorkTable } from './work-table.ts';

/** How deliveries end without a request. */
export interface Endings {
  /** Its time is over before it was delivered. */
  expire(work: Work): void;
  /** It must wait, and no retry tier takes it. */
  tooLarge(work: Work): void;
  /** Its endpoint is gone, or disabled without keeping what was pending; or a person skips it, as `detail` says. */
  cancel(work: Work, reason: CancelReason, detail?: string): void;
  /** It was given up a while ago, and order does not keep it in its place any more. */
  giveUp(work: Work): void;
  /** An earlier owner delivered it and could not write that down. */
  deliveredBefore(work: Work): void;
  /** Its header cannot be read: kept as a dead letter, so that nothing is lost and the next record flows. */
  unreadable(work: Work, detail: string): void;
  /** A fault of ours has hit it too often. */
  internalError(work: Work, detail: string): void;
}

export interface EndingsOptions {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly events: DispatcherEvents;
  readonly reign: Reign;
  readonly endpoints: EndpointCache;
  readonly view: Pick<ConfigView, 'reached'>;
  readonly table: () => WorkTable;
  readonly attempts: AttemptWriter;
  readonly deadLetterTopic: string;
  readonly operations: OperationsTopic;
}

/** What a dead letter says of its own. */
interface Letter {
  readonly endpointId: string | null;
  readonly reason: DeadReason;
  readonly detail: string;
}

/** Endings over one reign. */
export function createEndings(options: EndingsOptions): Endings {
  const { events, reign } = options;

  /** Without its bytes a delivery cannot end: the store has lost them, and the reign is over. */
  function end(work: Work, ending: (delivery: StoredDelivery) => Result[], how?: Ending): void {
    const delivery = options.table().bytesOf(work);
    if (delivery !== undefined) options.table().finish(work, ending(delivery), how);
  }

  function dead(work: Work, known: DeadReason | null, detailOf: (view: DeliveryView) => string): void {
    end(work, (delivery) => {
      const view = viewOf(work, delivery);
      const reason = known ?? deadReasonOf(view.givenUp);
      events.deadLettered(view, reason);
      const { endpointId, endpointRevision } = view;
      const letter = letterOf(options, work, delivery, { endpointId, reason, detail: detailOf(view) });
      const ending = { proved: false, reason } as const;
      const proof = proofResult(view, endpointRevision, ending, options.clock.now(), options.operations);
      return proof === null ? [letter] : [letter, proof];
    });
  }

  function withoutRequest(work: Work, how: Ending, tell: (view: DeliveryView) => EndingWithoutRequest): void {
    const record = (delivery: StoredDelivery): Result[] => {
      const view = viewOf(work, delivery);
      return [attemptResult(attemptWithoutRequest(options, view, delivery, tell(view)), options.attempts)];
    };
    end(work, record, how);
  }

  const cancel: Endings['cancel'] = (work, reason, detail = '') =>
    withoutRequest(work, 'undelivered', (view) => {
      events.cancelled(view, reason);
      return { outcome: Outcome.CANCELLED, decision: { kind: 'cancelled', reason }, code: '', detail };
    });

  return {
    expire(work) {
      const reason = cancelReasonOf(options, work);
      if (reason === null) dead(work, DeadReason.EXPIRED, expiredDetail);
      else cancel(work, reason);
    },
    tooLarge: (work) => dead(work, DeadReason.TOO_LARGE, () => 'It had to wait, and is too large for a retry tier.'),
    giveUp: (work) => dead(work, null, () => 'It was given up, and what stands behind it was let go on.'),
    cancel,
    deliveredBefore: (work) =>
      withoutRequest(work, 'delivered', (view) => {
        events.deliveredBefore(view);
        return deliveredBefore;
      }),
    unreadable: (work, detail) =>
      end(work, (delivery) => {
        events.unreadable(reign.partition, work.key, detail);
        return [letterOf(options, work, delivery, { endpointId: null, reason: DeadReason.UNREADABLE, detail })];
      }),
    // Nothing is read here: reading may be what fails.
    internalError: (work, detail) =>
      end(work, (delivery) => {
        events.faultsOver(reign.partition, work.key, detail);
        const endpointId = work.lane?.endpointId ?? null;
        return [letterOf(options, work, delivery, { endpointId, reason: DeadReason.INTERNAL_ERROR, detail })];
      }),
  };
}

function letterOf(options: EndingsOptions, work: Work, delivery: StoredDelivery, letter: Letter): Result {
  return deadLetterResult({
    topic: options.deadLetterTopic,
    partition: options.reign.partition,
    delivery,
    ...letter,
    lastAttempt: undefined,
    intake: work.origin,
    time: options.clock.now(),
  });
}

/** Why a delivery that has expired is cancelled rather than dead; null: it is not, or its bytes are lost. */
function cancelReasonOf({ table, endpoints, view, clock }: EndingsOptions, work: Work): CancelReason | null {
  const delivery = table().bytesOf(work);
  if (delivery === undefined) return null;
  work.view ??= readDelivery(delivery.header);
  const endpoint = preparedOrNull(endpoints, work.view.endpointId);
  if (endpoint === null) return null;
  const admission = admissionOf(work.view, endpoint, view, clock.now());
  return admission.kind === 'cancel' ? admission.reason : null;
}

/** Null: its configuration cannot be used, so nobody knows what it says of this delivery. Its lane has told. */
function preparedOrNull(endpoints: EndpointCache, uid: string): PreparedEndpoint | undefined | null {
  try {
    return endpoints.get(uid);
  } catch {
    return null;
  }
}

function expiredDetail({ attempt }: DeliveryView): string {
  return attempt === 0 ? 'It could not be attempted before it expired.' : 'It waited until it expired.';
}

function viewOf(work: Work, { header }: StoredDelivery): DeliveryView {
  return work.view ?? readDelivery(header);
}

type EndingWithoutRequest = Pick<AttemptFields, 'outcome' | 'decision' | 'code' | 'detail'>;

/** The record of the attempt itself may stand beside this one, or be lost with its owner. */
const deliveredBefore: EndingWithoutRequest = {
  outcome: Outcome.DELIVERED,
  decision: { kind: 'done' },
  code: 'delivered_before',
  detail: 'An earlier owner of the partition delivered it and was lost before that was on record.',
};

/** An attempt record without an attempt: it tells how the delivery ended. */
function attemptWithoutRequest(
  { clock, random, reign, attempts }: EndingsOptions,
  delivery: DeliveryView,
  { body }: StoredDelivery,
  ending: EndingWithoutRequest,
): AttemptFields {
  return {
    delivery,
    attemptId: attemptId(random),
    number: 0,
    startedAt: clock.now(),
    timings: { queued: null, connect: null, firstByte: null, total: null },
    ...ending,
    status: 0,
    responseHeaders: [],
    responseExcerpt: null,
    responseTruncated: false,
    requestHeaders: [],
    url: '',
    sourceAddress: '',
    egressPool: '',
    secretKeyId: '',
    endpointRevision: delivery.endpointRevision,
    pod: attempts.pod,
    epoch: reign.epoch,
    body: null,
    requestBodyBytes: body.length,
  };
}
