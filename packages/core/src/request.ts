import { hexBytes } from './hex-bytes.ts';
import { isHeaderValue } from './header-rules.ts';
import { limits } from './limits.ts';

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
  // What is the same from request to request stands first: attempts copy it (`headerFieldsWriter`).
  const headers = [
    'user-agent',
    parts.userAgent,
    'accept',
    '*/*',
    'accept-encoding',
    'identity',
    'postrider-attempt',
    String(parts.attemptNumber),
    'postrider-hop-count',
    String(parts.hopCount + 1),
    'content-type',
    safeContentType(parts.contentType),
    'postrider-event-type',
    percentEncoded(parts.eventType),
    'webhook-timestamp',
    String(parts.timestampSeconds),
    'webhook-id',
    parts.webhookId,
    'webhook-signature',
    parts.signature,
    'postrider-delivery-id',
    parts.deliveryId,
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

function safeContentType(text: string): string {
  return text !== '' && text.length <= limits.contentTypeBytesMax && isHeaderValue(text) ? text : DEFAULT_CONTENT_TYPE;
}

/** As the HTTP binding of CloudEvents does it (§3.1.3.2): space, `"`, `%` and what is not printable ASCII. */
function percentEncoded(text: string): string {
  if (/^[!#$&-~]*$/.test(text)) return text;
  return text.replace(/[^!#$&-~]+/gu, (part) => hexBytes(part, '%').toUpperCase());
}
