import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { readDelivery } from '@postrider/core';
import {
  DELIVERY_HEADER,
  header,
  retryTiers,
  type IncomingRecord,
  type KafkaPort,
  type TopicId,
} from '@postrider/kafka';

/** How many records stand on the retry tiers, by what they are: `retry.1m tombstone`, `retry.1m RETRY after 500`. */
export type TierRecords = Readonly<Record<string, number>>;

/** Reads the retry tiers from their beginning. */
export async function readTierRecords(kafka: KafkaPort, topic: (id: TopicId) => string): Promise<TierRecords> {
  const counts: Record<string, number> = {};
  for (const tier of retryTiers) {
    await using reader = await kafka.reader({
      topic: topic(tier),
      onBatch: ({ records }) => {
        for (const record of records) {
          const what = `${tier} ${whatOf(record)}`;
          counts[what] = (counts[what] ?? 0) + 1;
        }
      },
    });
    await reader.caughtUp;
  }
  return counts;
}

/** A tombstone, or why a row waits, with the code of the attempt before. */
export function whatOf(record: Pick<IncomingRecord, 'value' | 'headers'>): string {
  if (record.value === null) return 'tombstone';
  const bytes = header(record, DELIVERY_HEADER);
  if (bytes === undefined) return 'without header';
  const { waitReason, last } = readDelivery(bytes);
  const reason = waitReason === WaitReason.UNSPECIFIED ? 'unspecified' : waitReason;
  return last === null ? `${reason} without an attempt` : `${reason} after ${last.status || last.code}`;
}

/** All of them together. */
export function recordsOf(tiers: TierRecords): number {
  return Object.values(tiers).reduce((sum, count) => sum + count, 0);
}
