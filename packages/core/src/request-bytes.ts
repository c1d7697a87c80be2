import { isUtf8 } from 'node:buffer';
import { enumNumbers, messageShapes, requestTypes } from '@postrider/contract/postrider/v1/request-shapes';
import type { FieldShape } from '@postrider/contract/postrider/v1/request-shapes';
import { isPostriderError, type FieldViolation } from './errors.ts';
import { limits } from './limits.ts';
import {
  FIXED32,
  FIXED64,
  LENGTH_DELIMITED,
  readInt64,
  readKey,
  readLength,
  readVarint32,
  skipValue,
  VARINT,
  wireReader,
  type WireReader,
} from './wire-reader.ts';

/**
 * What in the bytes of a request would be lost or changed on its way into a message: a field or an enum value that this
 * version does not know, another type than the field has, text that is not UTF-8, or bytes that are no message at all. Null:
 * all of it is understood. Generated decoders step over such things, and whoever sent them would believe that they count.
 * @param path the method's, `/postrider.v1.TenantService/CreateTenant`
 */
export function requestProblem(path: string, bytes: Uint8Array): FieldViolation | null {
  const type = requestTypes[path];
  if (type === undefined) return null;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return messageProblem(wireReader(buffer), type, '', 0);
  } catch (error) {
    if (!isPostriderError(error)) throw error;
    return { field: '', description: `cannot be read: ${error.message}` };
  }
}

function messageProblem(reader: WireReader, type: string, path: string, depth: number): FieldViolation | null {
  if (depth > limits.requestDepthMax) {
    return { field: path.slice(0, -1), description: `is nested more than ${limits.requestDepthMax} deep` };
  }
  const shapes = messageShapes[type] ?? {};
  const counts = new Map<string, number>();
  while (reader.at < reader.end) {
    const key = readKey(reader);
    const shape = shapes[key >>> 3];
    if (shape === undefined) {
      return { field: `${path}${key >>> 3}`, description: 'is a field that this version does not know' };
    }
    const [name, , , repeated] = shape;
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    const field = repeated ? `${path}${name}[${count}]` : `${path}${name}`;
    const problem = valueProblem(reader, key, shape, { field, depth });
    if (problem !== null) return problem;
  }
  return null;
}

interface Place {
  readonly field: string;
  readonly depth: number;
}

function valueProblem(
  reader: WireReader,
  key: number,
  shape: FieldShape,
  { field, depth }: Place,
): FieldViolation | null {
  const [, kind, type, repeated] = shape;
  const wireType = key & 7;
  if (wireType !== wireTypeOf[kind]) {
    const isPacked = repeated && wireType === LENGTH_DELIMITED && kind !== 'text' && kind !== 'bytes';
    if (!isPacked) return { field, description: 'has another type than this version knows it by' };
    return packedProblem(reader, shape, field);
  }
  if (kind === 'enum') return enumProblem(readVarint32(reader), type, field);
  if (wireType !== LENGTH_DELIMITED) {
    skipValue(reader, key);
    return null;
  }
  const end = readLength(reader);
  const inner: WireReader = { bytes: reader.bytes, at: reader.at, end };
  reader.at = end;
  if (type === TIMESTAMP && !isTime(inner)) return { field, description: 'is no time between the years 1 and 9999' };
  if (kind === 'message') return messageProblem(inner, type, `${field}.`, depth + 1);
  return kind === 'text' ? textProblem(inner, field) : null;
}

const TIMESTAMP = 'google.protobuf.Timestamp';
// google/protobuf/timestamp.proto: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;
const NANOS_MAX = 999_999_999;

/** Whether a Timestamp lies within its bounds: generated code makes a date of it that nothing can be done with. */
function isTime({ bytes, at, end }: WireReader): boolean {
  const reader: WireReader = { bytes, at, end };
  while (reader.at < end) {
    const key = readKey(reader);
    if ((key & 7) !== VARINT) return true;
    const [least, most] = key >>> 3 === 1 ? [SECONDS_MIN, SECONDS_MAX] : [0, NANOS_MAX];
    const value = readSmallInt64(reader);
    if (value === null || value < least || value > most) return false;
  }
  return true;
}

/** Null: more than a number holds. */
function readSmallInt64(reader: WireReader): number | null {
  try {
    return readInt64(reader);
  } catch (error) {
    if (!isPostriderError(error)) throw error;
    return null;
  }
}

const wireTypeOf = {
  varint: VARINT,
  enum: VARINT,
  fixed32: FIXED32,
  fixed64: FIXED64,
  text: LENGTH_DELIMITED,
  bytes: LENGTH_DELIMITED,
  message: LENGTH_DELIMITED,
} as const;

function packedProblem(reader: WireReader, [, kind, type]: FieldShape, field: string): FieldViolation | null {
  const end = readLength(reader);
  const inner: WireReader = { bytes: reader.bytes, at: reader.at, end };
  reader.at = end;
  while (inner.at < inner.end) {
    if (kind !== 'enum') skipValue(inner, wireTypeOf[kind]);
    else {
      const problem = enumProblem(readVarint32(inner), type, field);
      if (problem !== null) return problem;
    }
  }
  return null;
}

function enumProblem(value: number, type: string, field: string): FieldViolation | null {
  // Negative numbers are sent as ten bytes; what counts is their low half.
  if (enumNumbers[type]?.includes(value | 0) === true) return null;
  return { field, description: 'has a value that this version does not know' };
}

function textProblem({ bytes, at, end }: WireReader, field: string): FieldViolation | null {
  return isUtf8(bytes.subarray(at, end)) ? null : { field, description: 'is not valid UTF-8' };
}
