import { Quarantined, type QuarantineReason } from '@postrider/contract/postrider/v1/dead_letter';
import { encodedBytes, limits } from '@postrider/core';
import { partitionCount, QUARANTINED_HEADER, topicName, type Headers } from '@postrider/kafka';
import type { SourceCoordinates } from '@postrider/contract/postrider/v1/delivery';
import type { IncomingRecord, OutgoingRecord } from '@postrider/kafka';

/** Why an event is put aside. */
export interface QuarantineVerdict {
  readonly reason: QuarantineReason;
  /** The attribute, header or field at fault; empty when none is. */
  readonly field: string;
  readonly detail: string;
}

/**
 * The record on `quarantine`: the source record's key, value and headers as they were, as far as they fit the limits of a
 * body and of headers, and a header that says why.
 */
export function quarantineRecord(
  record: IncomingRecord,
  source: SourceCoordinates,
  verdict: QuarantineVerdict,
  destination: { readonly topicPrefix: string; readonly now: number; readonly dropValue: boolean },
): OutgoingRecord {
  const valueDropped = destination.dropValue || (record.value?.length ?? 0) > limits.bodyBytesMax;
  const quarantined: Quarantined = {
    reason: verdict.reason,
    detail: verdict.detail,
    field: verdict.field,
    source,
    time: new Date(destination.now),
    valueDropped,
  };
  return {
    topic: topicName(destination.topicPrefix, 'quarantine'),
    partition: record.partition % partitionCount('quarantine', 1),
    key: (record.key?.length ?? 0) > limits.headerBytesMax ? null : record.key,
    value: valueDropped ? Buffer.alloc(0) : record.value,
    headers: {
      ...(fits(record.headers) ? record.headers : {}),
      [QUARANTINED_HEADER]: encodedBytes(Quarantined.encode(quarantined)),
    },
  };
}

function fits(headers: Headers): boolean {
  let count = 0;
  let bytes = 0;
  for (const [name, values] of Object.entries(headers))
    for (const value of [values].flat()) {
      count += 1;
      bytes += name.length + value.length;
    }
  return count <= limits.headersMax && bytes <= limits.headerBytesMax;
}
