import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { DeliveryExplanation, DeliveryStage } from '@postrider/contract/postrider/v1/delivery_service';
import { partitionOfKey, plainEnum } from '@postrider/core';
import { topicName, type Batch, type KafkaPort } from '@postrider/kafka';
import { atMost } from './at-most.ts';
import { serverLimits } from './server-limits.ts';
import type { WorkName } from '@postrider/contract/postrider/v1/owner_service';

/** Looks for how a delivery ended; throws PostriderError `unavailable` when too many are being looked for. */
export type FindEnding = (work: WorkName, notHeld: string) => Promise<DeliveryExplanation>;

/** Few at a time, for all callers together: each reads a stretch of a topic. To be made once. */
export function createFindEnding(place: Place): FindEnding {
  const refusal = 'too many endings of deliveries are being looked for now; ask again';
  return atMost(serverLimits.endingsLookedForAtOnceMax, (work, notHeld) => findEnding(place, work, notHeld), refusal);
}

interface Place {
  readonly kafka: Pick<KafkaPort, 'admin' | 'reader'>;
  readonly topicPrefix: string;
}

/**
 * How a delivery ended that its owner does not hold, by the newest attempts of its partition of `attempts`; what lies further
 * back is not looked for: `notHeld`, the owner's words, and where to look are told instead.
 */
async function findEnding(
  { kafka, topicPrefix }: Place,
  { deliveryId, endpointUid, runId }: WorkName,
  notHeld: string,
): Promise<DeliveryExplanation> {
  const topic = topicName(topicPrefix, 'attempts');
  const ranges = await kafka.admin.offsets(topic);
  const partition = partitionOfKey(deliveryId, ranges.length);
  const range = ranges[partition];
  let newest: Attempt | null = null;
  const onBatch = ({ records }: Batch): void => {
    for (const { key, value } of records) {
      if (value === null || key?.toString() !== deliveryId) continue;
      const attempt = decoded(value);
      if (attempt?.endpointId === endpointUid && (attempt.run?.id ?? '') === runId) newest = attempt;
    }
  };
  if (range !== undefined) {
    const from = Math.max(range.low, range.high - serverLimits.endingsLookedAtMax);
    await using reader = await kafka.reader({
      topic,
      partitions: [partition],
      from: new Map([[partition, from]]),
      onBatch,
    });
    await reader.caughtUp;
  }
  return newest === null ? unknown(notHeld) : explained(newest);
}

function decoded(value: Buffer): Attempt | null {
  try {
    return Attempt.decode(value);
  } catch {
    return null;
  }
}

function unknown(notHeld: string): DeliveryExplanation {
  const summary =
    `${notHeld}, and none of the newest attempts is of it. It was not routed (does a subscription want it?), is not read yet, ` +
    'or ended a while ago: "postrider attempts tail --from-beginning --no-follow" and "postrider dead-letters list" look further.';
  return DeliveryExplanation.fromPartial({ stage: DeliveryStage.UNKNOWN, summary });
}

function explained(attempt: Attempt): DeliveryExplanation {
  const { outcome, status, code, number, startedAt } = attempt;
  const known = DeliveryExplanation.fromPartial({
    attempts: number,
    last: { outcome, status, code, endedAt: startedAt },
  });
  const when = startedAt?.toISOString() ?? 'a while ago';
  const answer = status === 0 ? code : String(status);
  const decision = attempt.decision?.decision;
  switch (decision?.$case) {
    case 'done':
      return {
        ...known,
        stage: DeliveryStage.DELIVERED,
        summary: `It was delivered at ${when}, by attempt ${number}.`,
      };
    case 'dead': {
      const { reason } = decision.value;
      const why = `${plainEnum(reason, 'DEAD_REASON')}, after attempt ${number} (${answer})`;
      return {
        ...known,
        stage: DeliveryStage.DEAD,
        deadReason: reason,
        summary: `It was given up at ${when}: ${why}.`,
      };
    }
    case 'cancelled': {
      const { reason } = decision.value;
      const why = attempt.detail === '' ? '' : ` (${attempt.detail})`;
      const summary = `It was cancelled at ${when}: ${plainEnum(reason, 'CANCEL_REASON')}${why}.`;
      return { ...known, stage: DeliveryStage.CANCELLED, cancelReason: reason, summary };
    }
    case 'retry':
    case 'stopped':
    case undefined: {
      const summary =
        `Attempt ${number} at ${when} was not its last (${answer}), and its owner does not hold it now: it is being taken ` +
        'over, or has expired since. Ask again in a minute, then look among the dead letters.';
      return { ...known, stage: DeliveryStage.UNKNOWN, summary };
    }
  }
}
