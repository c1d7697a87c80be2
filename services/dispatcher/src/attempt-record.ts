import { encodeAttempt, partitionOfKey, type AttemptFields } from '@postrider/core';
import type { Result } from './result-record.ts';

/** Where attempts are written, and who writes them. */
export interface AttemptWriter {
  readonly topic: string;
  readonly partitions: number;
  /** The process, as attempts name it. */
  readonly pod: string;
}

/** The record of an attempt. Too large for its topic, it goes without the answer's and the request's own words. */
export function attemptResult(fields: AttemptFields, writer: AttemptWriter): Result {
  return { record: recordOf(fields, writer), smaller: () => recordOf({ ...fields, ...noWords }, writer) };
}

const noWords = {
  responseHeaders: [],
  responseExcerpt: null,
  responseTruncated: true,
  requestHeaders: [],
  detail: '',
  body: null,
} satisfies Partial<AttemptFields>;

function recordOf(fields: AttemptFields, { topic, partitions }: AttemptWriter): Result['record'] {
  const { deliveryId } = fields.delivery;
  const partition = partitionOfKey(deliveryId, partitions);
  return { topic, partition, key: Buffer.from(deliveryId), value: encodeAttempt(fields) };
}
