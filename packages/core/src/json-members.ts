import { EventFaultError, malformed, utf8Text } from './event-rules.ts';

/**
 * One member of a JSON object: its name as decoded, its value (of a repeated name the last one's), and where the value's
 * own text stands in the source.
 */
export interface JsonMember {
  readonly name: string;
  readonly value: unknown;
  /** Bytes of the value in the source, without the white space around it. */
  readonly start: number;
  readonly end: number;
}

/** How deep JSON may be nested. Deeper input is no data but an attack on whoever walks it by recursion. */
export const JSON_DEPTH_MAX = 1_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/**
 * Checks that bytes are one JSON value (RFC 8259: UTF-8 without a byte order mark) of bounded depth, and answers it.
 * @throws EventFaultError `MALFORMED`
 */
export function parseJson(source: Buffer, what: string, depthMax = JSON_DEPTH_MAX): unknown {
  const text = utf8Text(source);
  if (text === undefined) throw malformed('', `${what} is not UTF-8`);
  if (depthOf(source) > depthMax) throw malformed('', `${what} is nested deeper than ${depthMax}`);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own words may quote the body.
    throw malformed('', `${what} is no JSON`);
  }
}

/** The value of a JSON text of bounded size (UTF-8 bytes) and depth, or one sentence on what is wrong with it. */
export function boundedJson(
  text: string,
  { bytesMax, depthMax }: { readonly bytesMax: number; readonly depthMax: number },
): { readonly value: unknown } | { readonly problem: string } {
  const source = Buffer.from(text);
  if (source.length > bytesMax) return { problem: `has ${source.length} bytes; at most ${bytesMax} are allowed` };
  try {
    return { value: parseJson(source, 'it', depthMax) };
  } catch (error) {
    if (error instanceof EventFaultError) return { problem: `cannot be read: ${error.detail}` };
    throw error;
  }
}

/**
 * The members of a JSON object in the order of the source, repeated names included. What is sent on is cut out of the
 * source by `start` and `end`, never serialised again: numbers, escapes, spaces and repeated keys stay what they were.
 * @throws EventFaultError `MALFORMED`
 */
export function jsonMembers(source: Buffer, what: string): readonly JsonMember[] {
  const parsed = parseJson(source, what);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw malformed('', `${what} is no JSON object`);
  }
  // The grammar is known to be right from here on: only places are looked for.
  const members: JsonMember[] = [];
  let at = skipSpace(source, skipSpace(source, 0) + 1);
  while (source[at] === QUOTE) {
    const nameEnd = stringEnd(source, at);
    const name = JSON.parse(source.toString('utf8', at, nameEnd)) as string;
    const start = skipSpace(source, skipSpace(source, nameEnd) + 1);
    const end = valueEnd(source, start);
    members.push({ name, value: (parsed as Record<string, unknown>)[name], start, end });
    at = skipSpace(source, end);
    if (source[at] === COMMA) at = skipSpace(source, at + 1);
  }
  return members;
}

function skipSpace(source: Buffer, from: number): number {
  let at = from;
  while (source[at] === 0x20 || source[at] === 0x0a || source[at] === 0x0d || source[at] === 0x09) at++;
  return at;
}

/** One past the closing quote of the string that begins at `start`. */
function stringEnd(source: Buffer, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== QUOTE) at += source[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function valueEnd(source: Buffer, start: number): number {
  if (source[start] === QUOTE) return stringEnd(source, start);
  let depth = 0;
  let at = start;
  while (at < source.length) {
    const byte = source[at] as number;
    if (byte === QUOTE) {
      at = stringEnd(source, at);
      continue;
    }
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) return at;
      depth--;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || byte <= 0x20)) return at;
    at++;
  }
  return at;
}

/** The deepest nesting of brackets outside strings; right for valid JSON, and an answer in one pass for anything else. */
function depthOf(source: Buffer): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < source.length; at++) {
    const byte = source[at] as number;
    if (byte === QUOTE) at = stringEnd(source, at) - 1;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return deepest;
}
