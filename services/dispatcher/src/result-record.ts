import type { OutgoingRecord } from '@postrider/kafka';

/** What follows from a delivery and must be acknowledged before it may wait or end: an attempt, a dead letter. */
export interface Result {
  readonly record: Omit<OutgoingRecord, 'mayWrite'>;
  /** Called when it is acknowledged, before what follows from that. */
  readonly acked?: () => void;
  /** Instead of a record that is too large for its topic. */
  readonly smaller?: (() => Omit<OutgoingRecord, 'mayWrite'>) | undefined;
}

/** Writes a result until it is acknowledged. */
export type WriteResult = (result: Result, acked: () => void) => void;
