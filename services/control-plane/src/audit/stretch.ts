import { serverLimits } from '../server-limits.ts';
import type { Batch, IncomingRecord, KafkaPort } from '@postrider/kafka';

/** A part of a partition as it was read. */
export interface Stretch {
  readonly records: readonly IncomingRecord[];
  /** Where to go on. */
  readonly next: number;
}

/**
 * Reads partition 0 from one offset up to another, or less where that would be more than is held in memory at once: whoever
 * reads slowly asks for the next stretch when it has room for it.
 */
export async function readStretch(
  kafka: Pick<KafkaPort, 'reader'>,
  topic: string,
  from: number,
  until: number,
): Promise<Stretch> {
  const records: IncomingRecord[] = [];
  let bytes = 0;
  let next = from;
  const done = Promise.withResolvers<void>();
  const isFull = (): boolean =>
    records.length >= serverLimits.auditStretchRecordsMax || bytes >= serverLimits.auditStretchBytesMax;
  const onBatch = (batch: Batch): void => {
    if (isFull() || next >= until) return;
    for (const record of batch.records) {
      if (record.offset >= until || isFull()) break;
      records.push(record);
      bytes += record.value?.length ?? 0;
      next = record.offset + 1;
    }
    if (!isFull()) next = Math.min(until, batch.nextOffset);
    if (isFull() || next >= until) done.resolve();
  };
  await using reader = await kafka.reader({ topic, partitions: [0], from: new Map([[0, from]]), onBatch });
  // Behind the last record there may be none, only the mark of its transaction; or one that has not ended.
  await Promise.race([done.promise, reader.caughtUp.then(() => (next = isFull() ? next : until))]);
  return { records, next };
}
