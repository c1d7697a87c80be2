import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import { Delivery } from '@postrider/contract/postrider/v1/delivery';
import { encodedBytes } from '@postrider/core';
import { DEAD_LETTER_HEADER, DELIVERY_HEADER } from '@postrider/kafka';
import type { Attempt, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import type { IntakeOffset } from './work.ts';
import type { Result } from './result-record.ts';
import type { StoredDelivery } from './waiting-store.ts';

/** What a dead letter tells. */
export interface DeadLetterFacts {
  readonly topic: string;
  readonly partition: number;
  /** The bytes as last known; a header that cannot be read is kept beside the dead letter as it was found. */
  readonly delivery: StoredDelivery;
  readonly endpointId: string | null;
  readonly reason: DeadReason;
  readonly lastAttempt: Attempt | undefined;
  /** The record that the delivery was read from; a negative offset: none. */
  readonly intake: IntakeOffset;
  /** ms since the Unix epoch. */
  readonly time: number;
  readonly detail: string;
}

/** The record of a delivery that is given up; its value is the body, which is left out only when the topic refuses it. */
export function deadLetterResult(facts: DeadLetterFacts): Result {
  const readable = decoded(facts);
  const record = (bodyDropped: boolean): Result['record'] => {
    const deadLetter: DeadLetter = {
      delivery: readable,
      reason: facts.reason,
      lastAttempt: facts.lastAttempt && keptAttempt(facts.lastAttempt, bodyDropped),
      time: new Date(facts.time),
      bodyDropped,
      detail: facts.detail,
    };
    const header = encodedBytes(DeadLetter.encode(deadLetter));
    return {
      topic: facts.topic,
      partition: facts.partition,
      key: facts.endpointId === null ? null : Buffer.from(facts.endpointId),
      value: bodyDropped ? Buffer.alloc(0) : facts.delivery.body,
      headers: {
        [DEAD_LETTER_HEADER]: header,
        ...(readable === undefined && facts.delivery.header.length > 0
          ? { [DELIVERY_HEADER]: facts.delivery.header }
          : {}),
      },
    };
  };
  return { record: record(false), smaller: () => record(true) };
}

/** The body stands in the record's value; where even that has no room, the attempt keeps only what is small. */
function keptAttempt(attempt: Attempt, small: boolean): Attempt {
  const kept = { ...attempt, body: undefined };
  if (!small) return kept;
  const none = { responseHeaders: [], responseExcerpt: Buffer.alloc(0), requestHeaders: [], detail: '' };
  return { ...kept, ...none, responseTruncated: true };
}

function decoded({ delivery: { header }, intake }: DeadLetterFacts): Delivery | undefined {
  if (header.length === 0) return undefined;
  try {
    const delivery = Delivery.decode(header);
    // What can be read but not be written, such as a time that is none, would keep the dead letter from being written.
    Delivery.encode(delivery);
    return intake.offset < 0 ? delivery : { ...delivery, intake: { ...intake, offset: BigInt(intake.offset) } };
  } catch {
    return undefined;
  }
}
