import { progressWithin } from './offset-range.ts';
import type { IntakeProgress, OwnershipProgress } from './ownership.ts';

/** What is known of a topic of intake that a partition is taken over with. */
export interface IntakeFacts {
  /** What the progress that holds says; undefined: nothing. */
  readonly known: IntakeProgress | undefined;
  /** Kafka's id of the topic now; empty: not known. */
  readonly topicId: string;
  readonly low: number;
  readonly end: number;
  /** The epoch that rows of this reign bear. */
  readonly rowEpoch: number;
}

/** Whether the topic was deleted and made anew since the progress was written. */
export function isOtherTopic(known: Pick<IntakeProgress, 'topicId'> | undefined, topicId: string): boolean {
  return topicId !== '' && known?.topicId !== undefined && known.topicId !== '' && known.topicId !== topicId;
}

/**
 * What a reign goes on from. Of a topic that is another one, or that ends below what was done, nothing is done, and every
 * row written before this reign names an offset of what is no more: it must not end a record of the new topic.
 */
export function intakeFrom({
  known,
  topicId,
  low,
  end,
  rowEpoch,
}: IntakeFacts): IntakeProgress & { replaced: boolean } {
  const progress = known ?? { watermark: 0, doneAbove: Buffer.alloc(0) };
  const isOther = isOtherTopic(known, topicId);
  const replaced = isOther || progress.watermark > end;
  return {
    ...progressWithin(isOther ? { watermark: low, doneAbove: Buffer.alloc(0) } : progress, { low, end }),
    topicId: topicId === '' ? (known?.topicId ?? '') : topicId,
    sinceEpoch: replaced ? rowEpoch : (known?.sinceEpoch ?? 0),
    replaced,
  };
}

/** Whether a progress tells of anything: the first owner there ever was may have lost its partition before it knew a topic. */
export function tellsNothing(adopted: OwnershipProgress | null): boolean {
  return adopted === null || adopted.intake.size === 0;
}

/**
 * What is added to this reign's epoch in versions of rows. Where tiers were written and no progress tells of anything,
 * `ownership` was deleted: its offsets, and so the epochs, begin anew, and the time is above all that there were (no
 * partition of `ownership` takes a thousand records a second).
 * @param now wall clock, ms since the Unix epoch
 */
export function rowEpochBase(adopted: OwnershipProgress | null, tiersWritten: boolean, now: number): number {
  return tellsNothing(adopted) && tiersWritten ? now : (adopted?.rowEpochBase ?? 0);
}
