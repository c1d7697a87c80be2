import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import { DEAD_LETTER_HEADER, header, retryTiers } from '@postrider/kafka';
import type { AttemptSeen, DeadLetterSeen, Expectation } from './check-deliveries.ts';
import { settledAt } from './settled.ts';
import type { StackWatch } from './stack-watch.ts';
import type { Stack } from './stack.ts';

/** Every attempt and every dead letter on record, and since when each attempt may not be repeated any more. */
export async function resultsSeen(
  stack: Stack,
  watch: StackWatch,
  expected: readonly Expectation[],
): Promise<{ readonly attempts: AttemptSeen[]; readonly deadLetters: DeadLetterSeen[] }> {
  const partitionOf = new Map(expected.map(({ deliveryId, partition }) => [deliveryId, partition]));
  const deadLetterAt = new Map<string, number>();
  const deadLetters: DeadLetterSeen[] = [];
  await stack.topicRecords('dead-letters', (record) => {
    const letter = DeadLetter.decode(header(record, DEAD_LETTER_HEADER) as Buffer);
    const { delivery, reason, lastAttempt } = letter;
    // As below: the same dead letter, written again.
    if (lastAttempt !== undefined && deadLetterAt.has(lastAttempt.attemptId)) return;
    deadLetters.push({ deliveryId: delivery?.deliveryId ?? '', attempts: delivery?.attempt ?? 0, reason });
    if (lastAttempt !== undefined) deadLetterAt.set(lastAttempt.attemptId, record.timestamp);
  });
  const attempts: AttemptSeen[] = [];
  const attemptIds = new Set<string>();
  await stack.topicRecords('attempts', ({ value, timestamp }) => {
    const attempt = Attempt.decode(value as Buffer);
    // A record whose acknowledgement was lost is written again: the same attempt, and one request.
    if (attemptIds.has(attempt.attemptId)) return;
    attemptIds.add(attempt.attemptId);
    const { deliveryId, number, status } = attempt;
    const next = attempt.decision?.decision;
    const epoch = Number(attempt.epoch);
    const partition = partitionOf.get(deliveryId) ?? -1;
    const record = {
      ...{ number, epoch, recordedAt: timestamp },
      decision: next?.$case === 'retry' || next?.$case === 'dead' ? next.$case : 'done',
    } as const;
    attempts.push({
      ...{ deliveryId, number, answered: status > 0 },
      startedAt: attempt.startedAt?.getTime() ?? 0,
      nextDueAt: next?.$case === 'retry' ? (next.value.dueAt?.getTime() ?? null) : null,
      settledAt: settledAt(record, {
        tiers: retryTiers,
        tierRecords: watch.tierRecords(deliveryId),
        deadLetterAt: deadLetterAt.get(attempt.attemptId),
        olderThanClaim: watch.olderThanReign(deliveryId, partition, epoch),
      }),
    });
  });
  return { attempts, deadLetters };
}
