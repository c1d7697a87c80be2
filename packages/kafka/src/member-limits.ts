import { KafkaError } from './port.ts';
import type { TopicPartitionOffset } from './port.ts';

/** The brokers' default `offset.metadata.max.bytes`. */
export const COMMIT_METADATA_BYTES_MAX = 4_096;
export const SESSION_TIMEOUT_MS_DEFAULT = 30_000;
export const HEARTBEAT_INTERVAL_MS_DEFAULT = 1_000;
export const MAX_WAIT_MS_DEFAULT = 100;

/** Throws `INVALID_ARGUMENT` for offsets that must not be sent: the broker would apply the rest of the commit and reject it as a whole. */
export function assertCommittable(offsets: readonly TopicPartitionOffset[]): void {
  for (const { topic, partition, offset, metadata } of offsets) {
    const where = `${topic}/${partition}`;
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new KafkaError('INVALID_ARGUMENT', `offset ${offset} of ${where} is not an offset`);
    }
    const bytes = metadata === undefined ? 0 : Buffer.byteLength(metadata);
    if (bytes > COMMIT_METADATA_BYTES_MAX) {
      throw new KafkaError(
        'INVALID_ARGUMENT',
        `metadata of ${where} has ${bytes} bytes; at most ${COMMIT_METADATA_BYTES_MAX}`,
      );
    }
  }
}
