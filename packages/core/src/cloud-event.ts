import { QuarantineReason } from '@postrider/contract/postrider/v1/dead_letter';
import type { EventAttributes } from '@postrider/contract/postrider/v1/delivery';
import {
  checkBody,
  checkedAttributes,
  emptyTexts,
  EventFaultError,
  headerText,
  headerValues,
  invalid,
  isAttributeName,
  utf8Text,
} from './event-rules.ts';
import type { EventFault, EventHeaders } from './event-rules.ts';
import { isTenantId } from './ids.ts';
import { parseJson } from './json-members.ts';
import { limits } from './limits.ts';
import { isJsonType, readStructured } from './structured-event.ts';

export type { EventFault, EventHeaders } from './event-rules.ts';

/** Header that names the tenant, in every mode. */
export const TENANT_HEADER = 'postrider-tenant';
/** Header that names the event type of a raw JSON event. */
export const EVENT_TYPE_HEADER = 'postrider-type';
/** Header that holds the id of a raw JSON event. */
export const EVENT_ID_HEADER = 'postrider-id';
/** Header that names the source of a raw JSON event. */
export const EVENT_SOURCE_HEADER = 'postrider-source';
/** Header that says how often the event has passed through a Postrider. */
export const HOP_COUNT_HEADER = 'postrider-hop-count';

/** A record of a source topic. */
export interface EventRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: EventHeaders;
}

/** What an installation decides about the events of a source topic. */
export interface EventOptions {
  /** Largest body, in bytes. */
  readonly bodyBytesMax: number;
  /** Type of raw JSON events that name none; empty: they must. */
  readonly rawType?: string;
  /** Source of raw JSON events that name none; empty: `kafka:<topic>`. */
  readonly rawSource?: string;
  /**
   * Id of raw JSON events that name none. `position` (default): topic, partition and offset, unique by itself. `key`: the
   * record's key, for topics whose keys name one event each; a repeated key is a repeated event.
   */
  readonly rawId?: 'position' | 'key';
}

/** What a record of a source topic is: an event that can be matched, or the reason why not. */
export type DecodedEvent =
  | {
      readonly kind: 'event';
      readonly mode: 'binary' | 'structured' | 'raw';
      readonly tenant: string;
      readonly attributes: EventAttributes;
      /** What is delivered, byte for byte; a view of the record's value wherever that is possible. */
      readonly body: Buffer;
      /** The body as JSON; undefined when it is none. Parsed when it is first asked for, unless reading the event did it. */
      readonly data: () => unknown;
      /** W3C trace context; empty when there is none, or none that is valid. */
      readonly traceparent: string;
      readonly tracestate: string;
      /** How often the event has passed through a Postrider before. */
      readonly hopCount: number;
    }
  | ({ readonly kind: 'quarantine' } & EventFault);

interface Content {
  readonly mode: 'binary' | 'structured' | 'raw';
  readonly attributes: EventAttributes;
  readonly body: Buffer;
  /** The body's value, where it had to be parsed. */
  readonly data?: unknown;
}

const PREFIX = 'ce_';
const CONTENT_TYPE = 'content-type';
const STRUCTURED = 'application/cloudevents';

/**
 * Reads an event in the form of the CloudEvents 1.0 Kafka binding: structured mode when the content type says so, binary
 * mode when there is any `ce_` header, else raw JSON. Nothing is guessed: of a repeated attribute no value counts, and
 * the tenant is what one header or attribute says. Never throws.
 */
export function decodeEvent(record: EventRecord, options: EventOptions): DecodedEvent {
  try {
    checkHeaders(record.headers);
    if (record.value === null) {
      throw new EventFaultError(QuarantineReason.NO_BODY, '', 'the record has no value (a tombstone)');
    }
    const content = readContent(record, record.value, options);
    const { mode, attributes, body } = content;
    checkBody(body, options.bodyBytesMax);
    return {
      kind: 'event',
      mode,
      tenant: tenantOf(record.headers, attributes),
      attributes,
      body,
      data: dataOf(content),
      ...traceContext(record.headers, attributes),
      hopCount: hopCountOf(record.headers),
    };
  } catch (error) {
    if (error instanceof EventFaultError) {
      return { kind: 'quarantine', reason: error.reason, field: error.field, detail: error.detail };
    }
    const detail = `the record could not be read: ${error instanceof Error ? error.name : 'unknown error'}`;
    return { kind: 'quarantine', reason: QuarantineReason.INTERNAL_ERROR, field: '', detail };
  }
}

function readContent(record: EventRecord, value: Buffer, options: EventOptions): Content {
  const { headers } = record;
  const contentType = contentTypeOf(headers);
  const envelope = (contentType ?? '').toLowerCase();
  if (envelope.startsWith(STRUCTURED)) {
    if (!/^application\/cloudevents\+json\s*(?:;|$)/.test(envelope)) {
      throw invalid('content-type', 'of structured events only application/cloudevents+json can be read');
    }
    return { mode: 'structured', ...readStructured(value, options.bodyBytesMax) };
  }
  if (Object.keys(headers).some(hasPrefix)) {
    return { mode: 'binary', attributes: binaryAttributes(headers, contentType), body: value };
  }
  return raw(record, value, contentType, options);
}

/** Whatever the case: a name that is written wrongly is told, not passed over. */
function hasPrefix(name: string): boolean {
  return name.length >= PREFIX.length && name.slice(0, PREFIX.length).toLowerCase() === PREFIX;
}

function dataOf({ attributes, body, data }: Content): () => unknown {
  let value = data;
  let parsed = data !== undefined;
  return () => {
    if (parsed) return value;
    parsed = true;
    if (isJsonType(attributes.contentType)) {
      try {
        value = parseJson(body, 'the body');
      } catch {
        // A publisher may call anything JSON; whoever asks learns that it is none.
      }
    }
    return value;
  };
}

function binaryAttributes(headers: EventHeaders, contentType: string | undefined): EventAttributes {
  const texts = emptyTexts();
  for (const name of Object.keys(headers)) {
    if (!hasPrefix(name)) continue;
    const attribute = name.slice(PREFIX.length);
    if (!name.startsWith(PREFIX) || !isAttributeName(attribute)) {
      throw invalid(name, 'names of attributes are lower-case letters and digits');
    }
    texts[attribute] = headerText(headers, name) ?? '';
  }
  if (contentType !== undefined) texts['datacontenttype'] = contentType;
  return checkedAttributes(texts, (name) => (name === 'datacontenttype' ? 'content-type' : PREFIX + name));
}

function raw(record: EventRecord, value: Buffer, contentType: string | undefined, options: EventOptions): Content {
  checkBody(value, options.bodyBytesMax);
  const data = parseJson(value, 'the body');
  const { headers, topic, partition, offset, key } = record;
  const texts = emptyTexts();
  const put = (name: string, text: string | undefined): void => {
    if (text !== undefined && text !== '') texts[name] = text;
  };
  texts['specversion'] = '1.0';
  put('type', headerText(headers, EVENT_TYPE_HEADER) ?? options.rawType);
  put('source', headerText(headers, EVENT_SOURCE_HEADER) ?? (options.rawSource || `kafka:${topic}`));
  const position = `${topic}-${partition}-${offset}`;
  const keyText = (): string => {
    if (key === null) throw new EventFaultError(QuarantineReason.ATTRIBUTE_MISSING, 'key', 'the record has no key');
    // Replacement characters would make one id of two keys, and a repeat of the second event.
    const text = utf8Text(key);
    if (text === undefined) throw invalid('key', 'the key is not UTF-8');
    return text;
  };
  put('id', headerText(headers, EVENT_ID_HEADER) ?? (options.rawId === 'key' ? keyText() : position));
  put('datacontenttype', contentType);
  return { mode: 'raw', attributes: checkedAttributes(texts, (name) => rawFields[name] ?? name), body: value, data };
}

const rawFields: Readonly<Record<string, string>> = {
  type: EVENT_TYPE_HEADER,
  source: EVENT_SOURCE_HEADER,
  id: EVENT_ID_HEADER,
  datacontenttype: 'content-type',
};

function checkHeaders(headers: EventHeaders): void {
  let count = 0;
  let bytes = 0;
  for (const name of Object.keys(headers)) {
    for (const value of headerValues(headers, name)) {
      count += 1;
      bytes += Buffer.byteLength(name) + value.length;
    }
  }
  if (count <= limits.headersMax && bytes <= limits.headerBytesMax) return;
  const most = `${limits.headersMax} and ${limits.headerBytesMax} bytes`;
  const detail = `the record has ${count} headers of ${bytes} bytes; at most ${most}`;
  throw new EventFaultError(QuarantineReason.HEADERS_TOO_LARGE, '', detail);
}

/** The content type, whatever the case of its name: libraries differ. */
function contentTypeOf(headers: EventHeaders): string | undefined {
  const isIt = (name: string) => name.length === CONTENT_TYPE.length && name.toLowerCase() === CONTENT_TYPE;
  const names = Object.keys(headers).filter(isIt);
  if (names.length > 1) throw invalid(CONTENT_TYPE, 'the header stands more than once');
  return names[0] === undefined ? undefined : headerText(headers, names[0]);
}

function tenantOf(headers: EventHeaders, { extensions }: EventAttributes): string {
  const unknown = (field: string, detail: string): EventFaultError =>
    new EventFaultError(QuarantineReason.TENANT_UNKNOWN, field, detail);
  const values = headerValues(headers, TENANT_HEADER);
  if (values.length > 1) throw unknown(TENANT_HEADER, 'the header stands more than once');
  const named = values.length === 1 ? headerText(headers, TENANT_HEADER) : undefined;
  const attribute = extensions['tenant'];
  if (named !== undefined && attribute !== undefined && named !== attribute) {
    throw unknown(TENANT_HEADER, 'the header and the attribute tenant name two tenants');
  }
  const tenant = named ?? attribute ?? '';
  if (tenant === '') throw unknown(TENANT_HEADER, `neither ${TENANT_HEADER} nor the attribute tenant names a tenant`);
  // What cannot be the id of a tenant is not told on, neither to a log nor to a record.
  if (!isTenantId(tenant)) throw unknown(TENANT_HEADER, 'what it names cannot be the id of a tenant');
  return tenant;
}

function hopCountOf(headers: EventHeaders): number {
  const text = headerText(headers, HOP_COUNT_HEADER) ?? '0';
  if (!/^[0-9]{1,9}$/.test(text)) throw invalid(HOP_COUNT_HEADER, 'it is no count');
  const hopCount = Number(text);
  if (hopCount <= limits.hopCountMax) return hopCount;
  const detail = `the event has passed through Postrider ${hopCount} times; at most ${limits.hopCountMax}`;
  throw new EventFaultError(QuarantineReason.LOOP, HOP_COUNT_HEADER, detail);
}

// W3C Trace Context level 1, §3.2.2; version ff and ids of zeros only are invalid.
const traceparentForm = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
const tracestateForm = /^[\x20-\x7e\t]{1,512}$/;

/** The record's own trace context, else that of the event. A damaged one is left out: it harms no delivery. */
function traceContext(
  headers: EventHeaders,
  { extensions }: EventAttributes,
): { readonly traceparent: string; readonly tracestate: string } {
  const only = (name: string): string | undefined => {
    const values = headerValues(headers, name);
    return values.length === 1 ? values[0]?.toString('utf8') : undefined;
  };
  const own = only('traceparent') ?? '';
  const fromRecord = traceparentForm.test(own) && own.length <= limits.contentTypeBytesMax;
  const traceparent = fromRecord ? own : (extensions['traceparent'] ?? '');
  const tracestate = (fromRecord ? only('tracestate') : extensions['tracestate']) ?? '';
  if (!traceparentForm.test(traceparent) || traceparent.length > limits.contentTypeBytesMax) {
    return { traceparent: '', tracestate: '' };
  }
  return { traceparent, tracestate: tracestateForm.test(tracestate) ? tracestate : '' };
}
