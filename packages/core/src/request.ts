import type { HttpHeader } from '@postrider/contract/postrider/v1/attempt';
import { isHeaderValue, isSecretHeader } from './header-rules.ts';
import { limits } from './limits.ts';

/** What stands in place of a value that is secret. */
export const MASKED = '[secret]';

const DEFAULT_CONTENT_TYPE = 'application/json';

/** What the headers of one request are made from. */
export interface RequestParts {
  readonly webhookId: string;
  /** Whole seconds since the Unix epoch: the time of this attempt, which is signed. */
  readonly timestampSeconds: number;
  /** Value of `webhook-signature`, as `sign` gives it. */
  readonly signature: string;
  /** CloudEvents `datacontenttype`; empty: application/json. */
  readonly contentType: string;
  /** As `userAgent` gives it. */
  readonly userAgent: string;
  readonly deliveryId: string;
  /** Number of this attempt, from 1. */
  readonly attemptNumber: number;
  /** CloudEvents `type`. */
  readonly eventType: string;
  /** How often the event has passed through a Postrider before this one. */
  readonly hopCount: number;
  /** The endpoint asks for order, and this delivery stands outside of it: a resend, or routed before. Absent: no. */
  readonly outOfOrder?: boolean;
  /** The endpoint's own headers, flat: name, value … They were validated when they were set. */
  readonly extra: readonly string[];
}

/**
 * The headers of one request, flat: name, value, name, value …; names in lower case, except the endpoint's own. Host and
 * Content-Length are the HTTP client's. Values that come from an event are made safe here: an event can neither add a
 * header nor make the request impossible.
 */
export function requestHeaders(parts: RequestParts): string[] {
  const headers = [
    'content-type',
    safeContentType(parts.contentType),
    'user-agent',
    parts.userAgent,
    'accept',
    '*/*',
    'accept-encoding',
    'identity',
    'webhook-id',
    parts.webhookId,
    'webhook-timestamp',
    String(parts.timestampSeconds),
    'webhook-signature',
    parts.signature,
    'postrider-delivery-id',
    parts.deliveryId,
    'postrider-attempt',
    String(parts.attemptNumber),
    'postrider-event-type',
    percentEncoded(parts.eventType),
    'postrider-hop-count',
    String(parts.hopCount + 1),
  ];
  if (parts.outOfOrder === true) headers.push('postrider-out-of-order', 'true');
  for (const text of parts.extra) headers.push(text);
  return headers;
}

/**
 * Value of `user-agent`.
 * @param contactUrl where a receiver finds out who is calling and how to complain; empty: none is named
 */
export function userAgent(contactUrl: string): string {
  return contactUrl === '' ? 'Postrider/0.1' : `Postrider/0.1 (+${contactUrl})`;
}

/**
 * Headers in the form in which they are kept: names in lower case, values that are secret replaced by `[secret]`,
 * everything outside printable ASCII escaped as \xNN, cut off at 16 KiB in all.
 * @param headers flat: name, value, name, value … of a request or an answer
 */
export function maskHeaders(headers: readonly string[]): HttpHeader[] {
  const kept: HttpHeader[] = [];
  let bytes = 0;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const { name, secret } = keptName(headers[i] ?? '');
    const value = secret ? MASKED : escaped(headers[i + 1] ?? '');
    bytes += name.length + value.length;
    if (bytes > limits.responseHeaderBytes) break;
    kept.push({ name, value });
  }
  return kept;
}

interface KeptName {
  readonly name: string;
  readonly secret: boolean;
}

/** Judged names: nearly all headers have one of a few. Endpoints choose some of them, so there is a bound. */
const keptNames = new Map<string, KeptName>();
const KEPT_NAMES_MAX = 1_000;
const KEPT_NAME_LENGTH_MAX = 64;

function keptName(raw: string): KeptName {
  const known = keptNames.get(raw);
  if (known !== undefined) return known;
  const name = escaped(raw.toLowerCase());
  const judged = { name, secret: isSecretHeader(name) };
  if (keptNames.size < KEPT_NAMES_MAX && raw.length <= KEPT_NAME_LENGTH_MAX) keptNames.set(raw, judged);
  return judged;
}

function safeContentType(text: string): string {
  return text !== '' && text.length <= limits.contentTypeBytesMax && isHeaderValue(text) ? text : DEFAULT_CONTENT_TYPE;
}

/** As the HTTP binding of CloudEvents does it (§3.1.3.2): space, `"`, `%` and what is not printable ASCII. */
function percentEncoded(text: string): string {
  if (/^[!#$&-~]*$/.test(text)) return text;
  return text.replace(/[^!#$&-~]+/gu, (part) => hexBytes(part, '%').toUpperCase());
}

function escaped(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.replace(/[^\x20-\x7e]+/gu, (part) => hexBytes(part, '\\x'));
}

/** Characters up to U+00FF in an escape stand for the byte that was read; above, for their UTF-8 bytes. */
function hexBytes(text: string, prefix: string): string {
  const latin = prefix === '\\x' && /^[\0-\xff]*$/.test(text);
  const bytes = Buffer.from(text, latin ? 'latin1' : 'utf8');
  let encoded = '';
  for (const byte of bytes) encoded += prefix + byte.toString(16).padStart(2, '0');
  return encoded;
}
