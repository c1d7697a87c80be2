import type { HttpHeader } from '@postrider/contract/postrider/v1/attempt';
import { hexBytes } from './hex-bytes.ts';
import { isSecretHeader } from './header-rules.ts';
import { limits } from './limits.ts';

/** What stands in place of a value that is secret. */
export const MASKED = '[secret]';

/** A header in the form in which it is kept. What is known of its name, and of the value that it had last, is kept with it. */
export interface KeptHeader {
  readonly name: string;
  value: string;
  /** The value as it was read, and whether it was the same the time before. */
  raw: string | null;
  again: boolean;
  /** For whoever writes it: bytes by where they are written. Gone when the value is another. */
  readonly bytes: (Buffer | undefined)[];
}

interface Known extends KeptHeader {
  readonly secret: boolean;
}

/** Names that were seen: nearly all headers have one of a few. Endpoints choose some of them, so there is a bound. */
const known = new Map<string, Known>();
const KNOWN_MAX = 1_000;
const KNOWN_LENGTH_MAX = 64;

/**
 * Goes through headers in the form in which they are kept: names in lower case, values that are secret replaced by
 * `[secret]`, everything outside printable ASCII escaped as \xNN, cut off at 16 KiB in all.
 * @param headers flat: name, value, name, value … of a request or an answer
 * @param visit is given the same objects again and again: what it needs of them it takes at once
 */
export function visitKeptHeaders(headers: readonly string[], visit: (header: KeptHeader) => void): void {
  let bytes = 0;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const header = keptHeader(headers[i] as string, headers[i + 1] as string);
    bytes += header.name.length + header.value.length;
    if (bytes > limits.responseHeaderBytes) return;
    visit(header);
  }
}

/** The same as a list. */
export function maskHeaders(headers: readonly string[]): HttpHeader[] {
  const kept: HttpHeader[] = [];
  visitKeptHeaders(headers, ({ name, value }) => kept.push({ name, value }));
  return kept;
}

function keptHeader(rawName: string, raw: string): KeptHeader {
  const header = known.get(rawName) ?? learn(rawName);
  header.again = header.secret || header.raw === raw;
  if (header.again) return header;
  header.raw = raw;
  header.value = escaped(raw);
  header.bytes.length = 0;
  return header;
}

function learn(rawName: string): Known {
  const name = escaped(rawName.toLowerCase());
  const header = { name, value: MASKED, raw: null, again: false, bytes: [], secret: isSecretHeader(name) };
  if (known.size < KNOWN_MAX && rawName.length <= KNOWN_LENGTH_MAX) known.set(rawName, header);
  return header;
}

function escaped(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.replace(/[^\x20-\x7e]+/gu, (part) => hexBytes(part, '\\x'));
}
