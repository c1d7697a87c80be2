import type { HttpHeader } from '@postrider/contract/postrider/v1/attempt';
import { hexBytes } from './hex-bytes.ts';
import { isSecretHeader } from './header-rules.ts';
import { limits } from './limits.ts';

/** What stands in place of a value that is secret. */
export const MASKED = '[secret]';

/** What is known of a header by its name: how that is kept, and whether its values are secret. */
interface Known {
  readonly name: string;
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
 * @param visit is given name and value as they are kept, and how many bytes that makes with all before it
 * @param from where to begin, and `bytesBefore` what was kept before it
 */
export function visitKeptHeaders(
  headers: readonly string[],
  visit: (name: string, value: string, bytes: number) => void,
  from = 0,
  bytesBefore = 0,
): void {
  let bytes = bytesBefore;
  for (let i = from; i + 1 < headers.length; i += 2) {
    const rawName = headers[i] as string;
    const { name, secret } = known.get(rawName) ?? learn(rawName);
    const value = secret ? MASKED : escaped(headers[i + 1] as string);
    bytes += name.length + value.length;
    if (bytes > limits.responseHeaderBytes) return;
    visit(name, value, bytes);
  }
}

/** The same as a list. */
export function maskHeaders(headers: readonly string[]): HttpHeader[] {
  const kept: HttpHeader[] = [];
  visitKeptHeaders(headers, (name, value) => kept.push({ name, value }));
  return kept;
}

function learn(rawName: string): Known {
  const name = escaped(rawName.toLowerCase());
  const header = { name, secret: isSecretHeader(name) };
  if (known.size < KNOWN_MAX && rawName.length <= KNOWN_LENGTH_MAX) known.set(rawName, header);
  return header;
}

function escaped(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.replace(/[^\x20-\x7e]+/gu, (part) => hexBytes(part, '\\x'));
}
