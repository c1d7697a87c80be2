import {
  attemptId,
  readDelivery,
  type AttemptFields,
  type Clock,
  type DeliveryView,
  type RandomBytes,
} from '@postrider/core';
import { DeadReason, type CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { Outcome } from '@postrider/contract/postrider/v1/delivery';
import { attemptResult, type AttemptWriter } from './attempt-record.ts';
import { deadLetterResult } from './dead-letters.ts';
import type { DispatcherEvents } from './events.ts';
import type { Reign } from './reign.ts';
import type { StoredDelivery, WaitingStore } from './waiting-store.ts';
import type { Work } from './work.ts';
import type { WorkTable } from './work-table.ts';

/** How deliveries end without a request. */
export interface Endings {
  /** Its time is over before it was delivered. */
  expire(work: Work): void;
  /** It must wait, and no retry tier takes it. */
  tooLarge(work: Work): void;
  /** Its endpoint is gone, or disabled without keeping what was pending. */
  cancel(work: Work, reason: CancelReason): void;
  /** An earlier owner delivered it and could not write that down. */
  deliveredBefore(work: Work): void;
  /** Its header cannot be read: kept as a dead letter, so that nothing is lost and the next record flows. */
  unreadable(work: Work, detail: string): void;
}

export interface EndingsOptions {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly events: DispatcherEvents;
  readonly reign: Reign;
  readonly store: WaitingStore;
  readonly table: () => WorkTable;
  readonly attempts: AttemptWriter;
  readonly deadLetterTopic: string;
}

const emptyDelivery: StoredDelivery = { header: Buffer.alloc(0), body: Buffer.alloc(0) };

/** Endings over one reign. */
export function createEndings(options: EndingsOptions): Endings {
  const { clock, events, reign, store } = options;
  const bytesOf = (work: Work): StoredDelivery => work.delivery ?? store.get(work.key) ?? emptyDelivery;
  const viewOf = (work: Work): DeliveryView => work.view ?? readDelivery(bytesOf(work).header);

  function dead(work: Work, endpointId: string | null, reason: DeadReason, detail: string): void {
    const letter = deadLetterResult({
      topic: options.deadLetterTopic,
      partition: reign.partition,
      delivery: bytesOf(work),
      endpointId,
      reason,
      lastAttempt: undefined,
      intake: work.origin,
      time: clock.now(),
      detail,
    });
    options.table().finish(work, [letter]);
  }

  function withoutRequest(work: Work, ending: EndingWithoutRequest): void {
    const fields = attemptWithoutRequest(options, viewOf(work), bytesOf(work), ending);
    options.table().finish(work, [attemptResult(fields, options.attempts)]);
  }

  return {
    expire(work) {
      const view = viewOf(work);
      events.deadLettered(view, DeadReason.EXPIRED);
      const detail =
        view.attempt === 0 ? 'It could not be attempted before it expired.' : 'It waited until it expired.';
      dead(work, view.endpointId, DeadReason.EXPIRED, detail);
    },
    tooLarge(work) {
      const view = viewOf(work);
      events.deadLettered(view, DeadReason.TOO_LARGE);
      dead(work, view.endpointId, DeadReason.TOO_LARGE, 'It had to wait, and is too large for a retry tier.');
    },
    cancel(work, reason) {
      events.cancelled(viewOf(work), reason);
      withoutRequest(work, {
        outcome: Outcome.CANCELLED,
        decision: { kind: 'cancelled', reason },
        code: '',
        detail: '',
      });
    },
    deliveredBefore(work) {
      events.deliveredBefore(viewOf(work));
      withoutRequest(work, deliveredBefore);
    },
    unreadable(work, detail) {
      events.unreadable(reign.partition, work.key, detail);
      dead(work, null, DeadReason.UNREADABLE, detail);
    },
  };
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
