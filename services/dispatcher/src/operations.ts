import { encodeOperation, partitionOfKey, type OperationalEvent } from '@postrider/core';
import type { Result } from './result-record.ts';

/** Where operational events are written. */
export interface OperationsTopic {
  readonly topic: string;
  readonly partitions: number;
}

/** The record of an operational event; events of one endpoint share a partition. */
export function operationResult(event: OperationalEvent, { topic, partitions }: OperationsTopic): Result {
  const partition = partitionOfKey(event.endpointId, partitions);
  return { record: { topic, partition, ...encodeOperation(event) } };
}
