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
  const { deliveryId } = fields.delivery;
  const record = (of: AttemptFields): Result['record'] => ({
    topic: writer.topic,
    partition: partitionOfKey(deliveryId, writer.partitions),
    key: Buffer.from(deliveryId),
    value: encodeAttempt(of),
  });
  return {
    record: record(fields),
    smaller: () =>
      record({
        ...fields,
        responseHeaders: [],
        responseExcerpt: null,
        responseTruncated: true,
        requestHeaders: [],
        detail: '',
        body: null,
      }),
  };
}
