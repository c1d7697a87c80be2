import { PostriderError } from './errors.ts';

/**
 * The few rules of Protobuf's wire format that the dispatcher's hot path reads by hand
 * (https://protobuf.dev/programming-guides/encoding/). A generated decoder builds every field of a message; here only
 * those that are asked for become values, and every other byte is stepped over.
 */
export interface WireReader {
  bytes: Buffer;
  /** Next byte to read. */
  at: number;
  /** One past the last byte of the message. */
  end: number;
}

/** Wire types. Groups (3, 4) are in none of our messages, and refused. */
export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

/** A reader at the first byte of a message. */
export function wireReader(bytes: Buffer): WireReader {
  return { bytes, at: 0, end: bytes.length };
}

/** Low 32 bits of a varint, unsigned; at most 10 bytes are read. */
export function readVarint32(reader: WireReader): number {
  const { bytes, end } = reader;
  let at = reader.at;
  if (at < end) {
    const first = bytes[at] as number;
    if (first < 0x80) {
      reader.at = at + 1;
      return first;
    }
  }
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (at >= end) throw unreadable('it ends inside a number');
    const byte = bytes[at++] as number;
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      reader.at = at;
      return value >>> 0;
    }
  }
  throw unreadable('a number has more than 10 bytes');
}

/** A signed 64-bit varint that a JavaScript number holds exactly. */
export function readInt64(reader: WireReader): number {
  const { bytes, end } = reader;
  // Times and offsets: seven bytes are no more than a number holds exactly.
  let short = 0;
  let scale = 1;
  for (let next = reader.at; next < end && scale < 2 ** 49; scale *= 2 ** 7) {
    const byte = bytes[next++] as number;
    short += (byte & 0x7f) * scale;
    if (byte >= 0x80) continue;
    reader.at = next;
    return short;
  }
  return readLongInt64(reader);
}

function readLongInt64(reader: WireReader): number {
  const { bytes, end } = reader;
  let at = reader.at;
  let low = 0;
  let high = 0;
  for (let index = 0; index < 10; index++) {
    if (at >= end) throw unreadable('it ends inside a number');
    const byte = bytes[at++] as number;
    const bits = byte & 0x7f;
    if (index < 4) low += bits * 2 ** (7 * index);
    else if (index === 4) {
      low += (bits & 0x0f) * 2 ** 28;
      high = bits >>> 4;
    } else if (index < 9) high += bits * 2 ** (7 * index - 32);
    else high += (bits & 1) * 2 ** 31;
    if (byte < 0x80) {
      reader.at = at;
      const value = (high >= 2 ** 31 ? high - 2 ** 32 : high) * 2 ** 32 + low;
      if (!Number.isSafeInteger(value)) throw unreadable(`the number ${value} is beyond 2^53`);
      return value;
    }
  }
  throw unreadable('a number has more than 10 bytes');
}

/** An unsigned 64-bit little-endian number. */
export function readFixed64(reader: WireReader): bigint {
  const at = reader.at;
  if (at + 8 > reader.end) throw unreadable('it ends inside a number');
  reader.at = at + 8;
  return reader.bytes.readBigUInt64LE(at);
}

/**
 * Reads a length and answers where that many bytes end; `reader.at` stands at the first of them.
 * @throws PostriderError `header_unreadable` when they would end beyond the message
 */
export function readLength(reader: WireReader): number {
  const end = readVarint32(reader) + reader.at;
  if (end > reader.end) throw unreadable('a field is longer than what is left');
  return end;
}

/** A key: field number × 8 + wire type. */
export function readKey(reader: WireReader): number {
  const key = readVarint32(reader);
  if (key < 8) throw unreadable('there is no field 0');
  return key;
}

/** Steps over the value that belongs to `key`. */
export function skipValue(reader: WireReader, key: number): void {
  switch (key & 7) {
    case VARINT:
      readVarint32(reader);
      return;
    case LENGTH_DELIMITED:
      reader.at = readLength(reader);
      return;
    case FIXED64:
      reader.at += 8;
      break;
    case FIXED32:
      reader.at += 4;
      break;
    default:
      throw unreadable(`field ${key >>> 3} has the wire type ${key & 7}`);
  }
  if (reader.at > reader.end) throw unreadable('it ends inside a number');
}

/** The text of bytes `start` to `end`. `latin1` is the whole buffer read as Latin-1, so that ASCII is only cut out. */
export function textBetween(bytes: Buffer, latin1: string, start: number, end: number): string {
  for (let at = start; at < end; at++) {
    if ((bytes[at] as number) > 0x7f) return bytes.toString('utf8', start, end);
  }
  return latin1.substring(start, end);
}

/** A `google.protobuf.Timestamp` up to `end`, in milliseconds since the Unix epoch (fractions are cut off). */
export function readTimestamp(reader: WireReader, end: number): number {
  let seconds = 0;
  let nanos = 0;
  const outerEnd = reader.end;
  reader.end = end;
  while (reader.at < end) {
    const key = readKey(reader);
    if (key === 8) seconds = readInt64(reader);
    else if (key === 16) nanos = readVarint32(reader) | 0;
    else skipValue(reader, key);
  }
  reader.end = outerEnd;
  const time = Math.trunc(seconds * 1_000 + nanos / 1_000_000);
  // The same range as `Date`.
  if (!(Math.abs(time) <= 8.64e15)) throw unreadable(`${seconds} s is no time`);
  return time + 0; // −0 becomes 0
}

/** What a damaged header is told as. */
export function unreadable(why: string): PostriderError {
  return new PostriderError('header_unreadable', `the header cannot be read: ${why}`);
}
