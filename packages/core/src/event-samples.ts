// Records of source topics for tests, and what decoding them must give.
import assert from 'node:assert/strict';
import { QuarantineReason } from '@postrider/contract/postrider/v1/dead_letter';
import { decodeEvent } from './cloud-event.ts';
import type { DecodedEvent, EventHeaders, EventOptions, EventRecord } from './cloud-event.ts';

/** Reasons, in short. */
export const R = QuarantineReason;
export const options: EventOptions = { bodyBytesMax: 1_024 };
export const position = { topic: 'shop.events', partition: 3, offset: 41, key: null };

type Texts = Readonly<Record<string, string | Buffer | readonly string[]>>;

export function headersOf(texts: Texts): EventHeaders {
  const headers = Object.create(null) as Record<string, Buffer | readonly Buffer[]>;
  for (const [name, value] of Object.entries(texts)) {
    headers[name] =
      typeof value === 'string'
        ? Buffer.from(value)
        : Buffer.isBuffer(value)
          ? value
          : value.map((one) => Buffer.from(one));
  }
  return headers;
}

export const binaryHeaders = {
  ce_specversion: '1.0',
  ce_id: 'order-1',
  ce_source: '/orders',
  ce_type: 'order.created',
  ce_tenant: 'acme',
  'content-type': 'application/json',
};

/** The headers of a good binary event, with some changed or, where undefined, taken out. */
export function binaryRecord(
  changes: Readonly<Record<string, Texts[string] | undefined>> = {},
  body = '{"a":1}',
): EventRecord {
  const texts = Object.fromEntries(
    Object.entries({ ...binaryHeaders, ...changes }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
  return { ...position, headers: headersOf(texts), value: Buffer.from(body) };
}

export const envelope = { specversion: '1.0', id: 'order-1', source: '/orders', type: 'order.created', tenant: 'acme' };

export function structuredRecord(text: string | Buffer, headers: Texts = {}): EventRecord {
  const contentType = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
  return { ...position, headers: headersOf({ ...contentType, ...headers }), value: Buffer.from(text) };
}

export const structuredWith = (members: object): EventRecord =>
  structuredRecord(JSON.stringify({ ...envelope, ...members }));

export function rawRecord(body: string | Buffer, headers: Texts = {}): EventRecord {
  const own = { 'postrider-tenant': 'acme', 'postrider-type': 'order.created' };
  return { ...position, headers: headersOf({ ...own, ...headers }), value: Buffer.from(body) };
}

export function event(record: EventRecord, more: Partial<EventOptions> = {}): Extract<DecodedEvent, { kind: 'event' }> {
  const decoded = decodeEvent(record, { ...options, ...more });
  assert.equal(decoded.kind, 'event', JSON.stringify(decoded));
  return decoded as Extract<DecodedEvent, { kind: 'event' }>;
}

/** Reason and field at fault; the detail is one bounded, printable sentence. */
export function fault(record: EventRecord, more: Partial<EventOptions> = {}): [QuarantineReason, string] {
  const decoded = decodeEvent(record, { ...options, ...more });
  if (decoded.kind !== 'quarantine') assert.fail(`read as an event: ${JSON.stringify(decoded.attributes)}`);
  assert.match(decoded.detail, /^[\x20-\x7e]{10,200}$/);
  return [decoded.reason, decoded.field];
}
