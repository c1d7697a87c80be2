import { QuarantineReason } from '@postrider/contract/postrider/v1/dead_letter';
import type { EventAttributes } from '@postrider/contract/postrider/v1/delivery';
import { limits } from './limits.ts';

/** Values of a record's headers, by name; of a repeated name all of them. */
export type EventHeaders = Readonly<Record<string, Buffer | readonly Buffer[]>>;

/** Why an event cannot be routed; what stands in its quarantine record. */
export interface EventFault {
  readonly reason: QuarantineReason;
  /** The attribute, header or field at fault, for example `ce_id`; empty when none is. */
  readonly field: string;
  /** One sentence for a person. Never the value itself: it may be long, or secret. */
  readonly detail: string;
}

/** Thrown while an event is decoded and caught by `decodeEvent`; never leaves this package. */
export class EventFaultError extends Error implements EventFault {
  readonly reason: QuarantineReason;
  readonly field: string;
  readonly detail: string;

  constructor(reason: QuarantineReason, field: string, detail: string) {
    super(detail);
    this.reason = reason;
    this.field = field;
    this.detail = detail;
  }
}

/** Attributes by name, in their string form. Without a prototype, so that no name means anything else. */
export type AttributeTexts = { [name: string]: string };

/** A map that has no names of its own. */
export function emptyTexts(): AttributeTexts {
  return Object.create(null) as AttributeTexts;
}

// CloudEvents 1.0.2, "Attribute Naming Convention".
const attributeName = /^[a-z0-9]+$/;
const control = /[\p{Cc}\p{Zl}\p{Zp}]/u;
// RFC 9110 §8.3.1, as far as it keeps a value from being read differently by different servers.
const mediaType = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*;[\x20-\x7e\t]*)?$/;
const required = ['specversion', 'id', 'source', 'type'] as const;
const core = new Set(['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema']);

/** All values of a header; none when it is absent. */
export function headerValues(headers: EventHeaders, name: string): readonly Buffer[] {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  if (value === undefined) return [];
  return Buffer.isBuffer(value) ? [value] : value;
}

/** The only value of a header as text; undefined when it is absent. */
export function headerText(headers: EventHeaders, name: string): string | undefined {
  const values = headerValues(headers, name);
  const only = values[0];
  if (only === undefined) return undefined;
  if (values.length > 1) throw invalid(name, 'the header stands more than once');
  return utf8Text(only) ?? fail(invalid(name, 'the header is not UTF-8'));
}

/** Bytes as text; undefined when they are not UTF-8. A byte order mark is kept. */
export function utf8Text(bytes: Buffer): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether a name may be that of an attribute: lower-case letters and digits. */
export function isAttributeName(name: string): boolean {
  return attributeName.test(name);
}

/**
 * The attributes of an event, checked.
 * @param texts every attribute by its CloudEvents name
 * @param fieldOf how the publisher knows an attribute, for example `ce_id` for `id`
 */
export function checkedAttributes(texts: AttributeTexts, fieldOf: (name: string) => string): EventAttributes {
  for (const name of required) {
    if (texts[name] === undefined) {
      throw new EventFaultError(QuarantineReason.ATTRIBUTE_MISSING, fieldOf(name), `the event has no ${name}`);
    }
  }
  if (texts['specversion'] !== '1.0') throw invalid(fieldOf('specversion'), 'the version of CloudEvents must be 1.0');
  const text = (name: string, bytesMax: number, empty: 'may be empty' | 'not empty'): string => {
    const value = texts[name] ?? '';
    if (value === '' && empty === 'not empty') throw invalid(fieldOf(name), 'it is empty');
    if (!value.isWellFormed()) throw invalid(fieldOf(name), 'it holds half of a surrogate pair');
    if (Buffer.byteLength(value) > bytesMax) throw invalid(fieldOf(name), `it is longer than ${bytesMax} bytes`);
    if (control.test(value)) throw invalid(fieldOf(name), 'it holds a control character');
    return value;
  };
  const contentType = text('datacontenttype', limits.contentTypeBytesMax, 'may be empty');
  if (contentType !== '' && !mediaType.test(contentType)) {
    throw invalid(fieldOf('datacontenttype'), 'it is no media type, such as application/json');
  }
  return {
    id: text('id', limits.eventIdBytesMax, 'not empty'),
    source: text('source', limits.eventSourceBytesMax, 'not empty'),
    type: text('type', limits.eventTypeBytesMax, 'not empty'),
    subject: text('subject', limits.headerBytesMax, 'may be empty'),
    // Told on as published: a receiver may know forms that RFC 3339 does not.
    time: text('time', limits.eventTypeBytesMax, 'may be empty'),
    contentType,
    dataSchema: text('dataschema', limits.headerBytesMax, 'may be empty'),
    extensions: extensionsOf(texts, fieldOf),
  };
}

function extensionsOf(texts: AttributeTexts, fieldOf: (name: string) => string): AttributeTexts {
  const extensions: AttributeTexts = {};
  let count = 0;
  let bytes = 0;
  for (const name in texts) {
    if (core.has(name)) continue;
    const value = texts[name] ?? '';
    if (!value.isWellFormed()) throw invalid(fieldOf(name), 'it holds half of a surrogate pair');
    extensions[name] = value;
    count += 1;
    bytes += name.length + Buffer.byteLength(value);
  }
  if (count > limits.headersMax || bytes > limits.headerBytesMax) {
    const most = `${limits.headersMax} and ${limits.headerBytesMax} bytes`;
    throw new EventFaultError(QuarantineReason.HEADERS_TOO_LARGE, '', `the event has more extensions than ${most}`);
  }
  return extensions;
}

/** An attribute or header that is not allowed as it stands. */
export function invalid(field: string, why: string): EventFaultError {
  return new EventFaultError(QuarantineReason.ATTRIBUTE_INVALID, shown(field), `${shown(field)}: ${why}`);
}

/** JSON, or an event in JSON, that cannot be parsed. */
export function malformed(field: string, why: string): EventFaultError {
  return new EventFaultError(QuarantineReason.MALFORMED, shown(field), why);
}

/** Refuses a body above the limit. */
export function checkBody(body: Buffer, bytesMax: number): void {
  if (body.length > bytesMax) throw tooLarge(body.length, bytesMax);
}

/** A body of `bytes` above the limit. */
export function tooLarge(bytes: number, bytesMax: number): EventFaultError {
  return new EventFaultError(QuarantineReason.TOO_LARGE, '', `the body has ${bytes} bytes; at most ${bytesMax}`);
}

/** A name that a stranger chose, made fit for a log line: bounded, and printable. */
function shown(field: string): string {
  return field.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
}

function fail(error: Error): never {
  throw error;
}
