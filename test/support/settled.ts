import { compareRowVersions, type RowVersionView } from '@postrider/core';

/** A record of a retry tier: a row, or a tombstone. Times are the broker's, in milliseconds since the Unix epoch. */
export interface TierRecordSeen {
  readonly tier: string;
  readonly at: number;
  readonly version: RowVersionView;
  /** Attempts completed, as the row says; null: a tombstone. */
  readonly attempt: number | null;
}

/** An attempt's record. */
export interface AttemptRecordSeen {
  readonly number: number;
  readonly recordedAt: number;
  /** The reign that made it. */
  readonly epoch: number;
  /** `retry`: a row follows from it; `dead`: a dead letter; `done`: nothing more. */
  readonly decision: 'retry' | 'dead' | 'done';
}

/** What else the topics say of the delivery. */
export interface DeliveryFacts {
  readonly tiers: readonly string[];
  readonly tierRecords: readonly TierRecordSeen[];
  /** When the dead letter that follows from this attempt was recorded; undefined when there is none. */
  readonly deadLetterAt: number | undefined;
  /** The delivery is older than the reign's claim: it is tombstoned in every tier when it ends. */
  readonly olderThanClaim: boolean;
}

/**
 * When the last of the writes that follow from an attempt stood in the log: until then the attempt may be repeated after a
 * crash, for nothing is done before it is acknowledged. Infinity when its reign ended before that.
 */
export function settledAt(attempt: AttemptRecordSeen, facts: DeliveryFacts): number {
  const own = facts.tierRecords.filter(({ version }) => version.epoch === attempt.epoch);
  if (attempt.decision === 'retry') {
    const row = own.find((record) => record.attempt === attempt.number);
    return row === undefined ? Infinity : Math.max(attempt.recordedAt, row.at);
  }
  const deadLetterAt = attempt.decision === 'dead' ? (facts.deadLetterAt ?? Infinity) : attempt.recordedAt;
  const buried = facts.tiers.map((tier) => {
    const records = facts.tierRecords.filter((record) => record.tier === tier && record.version.epoch <= attempt.epoch);
    const newest = records.reduce<TierRecordSeen | undefined>(
      (best, record) => (best === undefined || compareRowVersions(record.version, best.version) > 0 ? record : best),
      undefined,
    );
    if (newest?.attempt === null && newest.version.epoch === attempt.epoch) return newest.at;
    return (newest === undefined || newest.attempt === null) && !facts.olderThanClaim ? 0 : Infinity;
  });
  return Math.max(attempt.recordedAt, deadLetterAt, ...buried);
}
