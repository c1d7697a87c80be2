import { createOwnershipFold, type OffsetProgress, type Ownership } from '@postrider/core';
import type { KafkaPort } from '@postrider/kafka';

/** What the progress records of all partitions say is done on `deliveries`. */
export interface DoneDeliveries {
  readonly byPartition: readonly number[];
  readonly total: number;
  /** Partitions whose last owner has written that it is done with them. */
  readonly released: number;
}

/** Reads `ownership` from its beginning and counts by the progress that holds in each partition. */
export async function readDoneDeliveries(kafka: KafkaPort, topic: string, partitions: number): Promise<DoneDeliveries> {
  const folds = Array.from({ length: partitions }, () => createOwnershipFold());
  await using reader = await kafka.reader({
    topic,
    onBatch: ({ partition, records }) => {
      for (const record of records) folds[partition]?.apply(record);
    },
  });
  await reader.caughtUp;
  return doneDeliveries(folds);
}

/** Pure part of `readDoneDeliveries`. */
export function doneDeliveries(owners: readonly Pick<Ownership, 'progress' | 'released'>[]): DoneDeliveries {
  const byPartition = owners.map(({ progress }) => doneOffsets(progress?.intake.get('deliveries')));
  return {
    byPartition,
    total: byPartition.reduce((sum, one) => sum + one, 0),
    released: owners.filter(({ released }) => released).length,
  };
}

function doneOffsets(progress: OffsetProgress | undefined): number {
  if (progress === undefined) return 0;
  let done = progress.watermark;
  for (const byte of progress.doneAbove) for (let bits = byte; bits !== 0; bits &= bits - 1) done += 1;
  return done;
}
