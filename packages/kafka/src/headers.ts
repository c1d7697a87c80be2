import type { Headers } from './port.ts';

/** The delivery of the record, one Protobuf message; the record's value is the body. On `deliveries`, `deliveries.bulk` and `retry.*`. */
export const DELIVERY_HEADER = 'postrider-delivery';
/** The version (epoch, n) of a retry tier's row or tombstone, one Protobuf message. */
export const ROW_HEADER = 'postrider-row';
/** The dead letter of the record, one Protobuf message. On `dead-letters`. */
export const DEAD_LETTER_HEADER = 'postrider-dead-letter';
/** Why an event could not be read, one Protobuf message. On `quarantine`. */
export const QUARANTINED_HEADER = 'postrider-quarantined';
/** What a reader of `config` must know before it decodes the value. On `config`. */
export const CONFIG_HEADER = 'postrider-config';

/**
 * The only value of a record's header; undefined when the header is absent. Of a repeated header the first value counts:
 * Postrider writes each of its own headers once, and a stranger's repetition must not make a record unreadable.
 */
export function header(record: { readonly headers: Headers }, name: string): Buffer | undefined {
  const value = Object.hasOwn(record.headers, name) ? record.headers[name] : undefined;
  return Buffer.isBuffer(value) ? value : value?.[0];
}
