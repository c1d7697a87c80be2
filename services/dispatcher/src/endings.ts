import { attemptId, readDelivery, type Clock, type DeliveryView, type RandomBytes } from '@postrider/core';
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
  /** Its endpoint is gone, or disabled without keeping what was pending. */
  cancel(work: Work, reason: CancelReason): void;
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
      time: clock.now(),
      detail,
    });
    options.table().finish(work, [letter]);
  }

  return {
    expire(work) {
      const view = viewOf(work);
      events.deadLettered(view, DeadReason.EXPIRED);
      const detail =
        view.attempt === 0 ? 'It could not be attempted before it expired.' : 'It waited until it expired.';
      dead(work, view.endpointId, DeadReason.EXPIRED, detail);
    },
    cancel(work, reason) {
      events.cancelled(viewOf(work), reason);
      const attempt = attemptResult(cancelledAttempt(options, viewOf(work), bytesOf(work), reason), options.attempts);
      options.table().finish(work, [attempt]);
    },
    unreadable(work, detail) {
      events.unreadable(reign.partition, work.key, detail);
      dead(work, null, DeadReason.UNREADABLE, detail);
    },
  };
}

/** An attempt record without an attempt: it tells that the delivery was cancelled. */
function cancelledAttempt(
  { clock, random, reign, attempts }: EndingsOptions,
  delivery: DeliveryView,
  { body }: StoredDelivery,
  reason: CancelReason,
): Parameters<typeof attemptResult>[0] {
  return {
    delivery,
    attemptId: attemptId(random),
    number: 0,
    startedAt: clock.now(),
    timings: { queued: null, connect: null, firstByte: null, total: null },
    outcome: Outcome.CANCELLED,
    decision: { kind: 'cancelled', reason },
    status: 0,
    code: '',
    detail: '',
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
