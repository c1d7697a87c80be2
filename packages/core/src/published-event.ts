import type { EventAttributes } from '@postrider/contract/postrider/v1/delivery';
import { decodeEvent, TENANT_HEADER } from './cloud-event.ts';
import { partitionOfKey } from './ids.ts';
import { limits } from './limits.ts';
import type { DecodedEvent } from './cloud-event.ts';
import type { FieldViolation } from './errors.ts';

/** An event on its way to a source topic. */
export interface EventToPublish extends Omit<EventAttributes, '_unknownFields'> {
  /** The tenant's id. */
  readonly tenant: string;
  readonly data: Buffer;
  /** Events with the same key are kept in order; empty: the subject. */
  readonly orderingKey: string;
}

/** The record of an event, but for its topic. */
export interface PublishedRecord {
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, Buffer>>;
}

/** How a publisher of the API knows what a header is made of. */
const fields: Readonly<Record<string, string>> = {
  'content-type': 'content_type',
  ce_dataschema: 'data_schema',
  ce_id: 'id',
  ce_source: 'source',
  ce_type: 'type',
  ce_subject: 'subject',
  ce_time: 'time',
  [TENANT_HEADER]: 'extensions["tenant"]',
};
const ownNames = ['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema', 'data'];

/**
 * The event in CloudEvents' binary mode: its value is the data byte for byte. Events with the same key share a partition of the
 * `partitions` of their topic, and so keep their order; those without key and subject share that of their tenant.
 */
export function publishedRecord(event: EventToPublish, partitions: number): PublishedRecord {
  const { tenant, orderingKey, data, extensions } = event;
  const headers: Record<string, Buffer> = {};
  const put = (name: string, text: string): void => {
    if (text !== '') headers[name] = Buffer.from(text);
  };
  put('ce_specversion', '1.0');
  put('ce_id', event.id);
  put('ce_source', event.source);
  put('ce_type', event.type);
  put('ce_subject', event.subject);
  put('ce_time', event.time);
  put('ce_dataschema', event.dataSchema);
  for (const [name, text] of Object.entries(extensions)) headers[`ce_${name}`] = Buffer.from(text);
  put('content-type', event.contentType || 'application/json');
  put(TENANT_HEADER, tenant);
  const key = `${tenant}/${orderingKey || event.subject}`;
  return { partition: partitionOfKey(key, partitions), key: Buffer.from(key), value: data, headers };
}

/** What a record of an event would be read as, or what is wrong with the event: the very rules of whoever reads it decide. */
export function checkPublished(
  event: EventToPublish,
  record: PublishedRecord,
  bodyBytesMax: number,
): (DecodedEvent & { readonly kind: 'event' }) | readonly FieldViolation[] {
  const empty = (['id', 'source', 'type'] as const).filter((field) => event[field] === '');
  if (empty.length > 0) return empty.map((field) => ({ field, description: 'must not be empty' }));
  const taken = Object.keys(event.extensions).find((name) => ownNames.includes(name));
  if (taken !== undefined)
    return [{ field: `extensions["${taken}"]`, description: 'is an attribute with a field of its own' }];
  if (Buffer.byteLength(event.orderingKey) > limits.orderingKeyBytesMax)
    return [{ field: 'ordering_key', description: `must have at most ${limits.orderingKeyBytesMax} bytes` }];
  const decoded = decodeEvent({ topic: '', offset: 0, ...record }, { bodyBytesMax });
  if (decoded.kind === 'event' && decoded.mode === 'binary') return decoded;
  if (decoded.kind === 'event')
    return [
      { field: 'content_type', description: 'must not say that the data are an event themselves: send that one' },
    ];
  const { field, detail } = decoded;
  const known = fields[field] ?? (field.startsWith('ce_') ? `extensions["${field.slice('ce_'.length)}"]` : 'data');
  return [{ field: field === '' ? 'data' : known, description: detail }];
}
