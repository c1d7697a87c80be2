import type { FieldViolation } from './errors.ts';
import { limits } from './limits.ts';

// RFC 9110 §5.6.2: a header name is a token.
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Printable ASCII, space and tab; neither at the ends. Everything else is read differently by different servers.
const value = /^(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?$/;

/** Names that stand in no request of ours: they route or frame it, speak for a proxy, or unlock the metadata service of a cloud. */
const forbidden = new Set([
  'connection',
  'content-length',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'metadata',
  'metadata-flavor',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-metadata-token',
  'x-real-ip',
]);
const forbiddenPrefixes = ['proxy-', 'x-forwarded-', 'x-aws-ec2-metadata-token'];

/** Names that only we set. */
const ours = new Set([
  'accept-encoding',
  'content-encoding',
  'content-type',
  'traceparent',
  'tracestate',
  'user-agent',
]);
const ourPrefixes = ['webhook-', 'ce-', 'postrider-'];

const secretWord = /(?:auth|cookie|credential|key|passw|secret|session|token)/;
// Names that hold such a word and no secret.
const openly = new Set(['www-authenticate', 'proxy-authenticate', 'idempotency-key']);

/**
 * Whether no request may have this header, apart from what the HTTP client itself sets. The comparison is blind to case, to
 * white space around the name, and to `_` for `-`, which many servers read alike.
 */
export function isForbiddenHeader(name: string): boolean {
  return isOneOf(canonicalName(name), forbidden, forbiddenPrefixes);
}

/** Whether a tenant may not set this header: it is forbidden, or ours. Compares like `isForbiddenHeader`. */
export function isReservedHeader(name: string): boolean {
  const canonical = canonicalName(name);
  return isOneOf(canonical, forbidden, forbiddenPrefixes) || isOneOf(canonical, ours, ourPrefixes);
}

function canonicalName(name: string): string {
  return name.trim().toLowerCase().replaceAll('_', '-');
}

function isOneOf(canonical: string, names: ReadonlySet<string>, prefixes: readonly string[]): boolean {
  return names.has(canonical) || prefixes.some((prefix) => canonical.startsWith(prefix));
}

/** Whether a header's name says that its value is secret: stored sealed, shown masked. */
export function isSecretHeader(name: string): boolean {
  const canonical = name.toLowerCase().replaceAll('_', '-');
  return secretWord.test(canonical) && !openly.has(canonical);
}

/** Whether a text may stand as a header's value. */
export function isHeaderValue(text: string): boolean {
  return value.test(text);
}

/**
 * What is wrong with an endpoint's further headers, all of it. Values are never shown.
 * @param field path of the map in the request, for example `endpoint.headers`
 */
export function validateCustomHeaders(headers: Readonly<Record<string, string>>, field = 'headers'): FieldViolation[] {
  const entries = Object.entries(headers);
  if (entries.length > limits.customHeadersMax) {
    return [{ field, description: `has ${entries.length} headers; at most ${limits.customHeadersMax} are allowed` }];
  }
  const violations: FieldViolation[] = [];
  const seen = new Set<string>();
  let bytes = 0;
  for (const [name, text] of entries) {
    const description =
      nameProblem(name) ?? valueProblem(text) ?? (seen.has(name.toLowerCase()) ? 'is given twice' : '');
    if (description !== '') violations.push({ field: `${field}[${JSON.stringify(name.slice(0, 200))}]`, description });
    seen.add(name.toLowerCase());
    bytes += name.length + String(text).length;
  }
  if (bytes > limits.customHeaderBytesMax) {
    const description = `names and values have ${bytes} bytes; at most ${limits.customHeaderBytesMax} are allowed`;
    violations.push({ field, description });
  }
  return violations;
}

function nameProblem(name: string): string | null {
  if (!token.test(name)) return "is not a header name (letters, digits and !#$%&'*+-.^_`|~)";
  if (name.length > limits.customHeaderNameMax) {
    return `is longer than ${limits.customHeaderNameMax} characters`;
  }
  return isReservedHeader(name) ? 'is reserved' : null;
}

function valueProblem(text: unknown): string | null {
  if (typeof text !== 'string' || !isHeaderValue(text)) {
    return 'must be printable ASCII, without spaces at its ends';
  }
  if (text.length > limits.customHeaderValueBytesMax) {
    return `is longer than ${limits.customHeaderValueBytesMax} bytes`;
  }
  return null;
}
