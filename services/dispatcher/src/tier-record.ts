import { encodeRowVersion, readRowVersion } from '@postrider/core';
import { DELIVERY_HEADER, ROW_HEADER, header } from '@postrider/kafka';
import type { IncomingRecord, OutgoingRecord } from '@postrider/kafka';
import type { StoredDelivery } from './waiting-store.ts';

/** Every tier record bears one; of two records of a key the higher (epoch, n) holds, wherever it stands in the log. */
export interface Version {
  readonly epoch: number;
  readonly n: number;
}

/** Older than whatever an owner writes. */
export const oldest: Version = { epoch: -1, n: 0 };

/** A row, or with null a tombstone, as it is written to a tier. */
export function tierRecord(
  topic: string,
  partition: number,
  key: string,
  version: Version,
  row: StoredDelivery | null,
): Omit<OutgoingRecord, 'mayWrite'> {
  const rowHeader = encodeRowVersion(version.epoch, version.n);
  return {
    topic,
    partition,
    key: Buffer.from(key),
    value: row?.body ?? null,
    headers: row === null ? { [ROW_HEADER]: rowHeader } : { [DELIVERY_HEADER]: row.header, [ROW_HEADER]: rowHeader },
  };
}

/** The work key of a tier record. */
export function keyOf(record: Pick<IncomingRecord, 'key'>): string {
  return record.key?.toString() ?? '';
}

/**
 * The version that a record bears, as the owner of `epoch` sees it. One without a readable version, or of an epoch that has
 * not begun, is older than everything: a stranger's. (Where an epoch newer than ours has begun, ours is over.)
 */
export function versionOf(record: IncomingRecord, epoch: number): Version {
  const bytes = header(record, ROW_HEADER);
  if (bytes === undefined) return oldest;
  try {
    const version = readRowVersion(bytes);
    return version.epoch > epoch ? oldest : version;
  } catch {
    return oldest;
  }
}

/** The delivery of a row; null for a tombstone. */
export function deliveryOf(record: IncomingRecord): StoredDelivery | null {
  if (record.value === null) return null;
  return { header: header(record, DELIVERY_HEADER) ?? Buffer.alloc(0), body: record.value };
}
