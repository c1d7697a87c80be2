/**
 * The writing half of the hand codec: fields are appended to one growing scratch buffer and copied out once. Everything
 * is synchronous between `beginMessage` and `finishMessage`, so one scratch serves the process.
 */
let scratch = Buffer.allocUnsafe(16_384);
let at = 0;

/** Longest varint, and so the room that a length or number may need. */
const VARINT_MAX = 10;
/** Below these lengths a loop over characters, or bytes, is cheaper than a call into the runtime. */
const TEXT_LOOP_MAX = 12;
const BYTES_LOOP_MAX = 48;

/** Starts a message, forgetting what an earlier one left. */
export function beginMessage(): void {
  at = 0;
}

/** The message that was written, as a buffer of its own. */
export function finishMessage(): Buffer {
  const message = Buffer.allocUnsafe(at);
  scratch.copy(message, 0, 0, at);
  return message;
}

/** How much of the message is written. */
export function messageLength(): number {
  return at;
}

/** Copies what was written from `start` to `end` into `target` at `to`. */
export function copyWritten(start: number, end: number, target: Buffer, to: number): void {
  scratch.copy(target, to, start, end);
}

/** Bytes as they are, for example fields copied from another message. */
export function putRaw(bytes: Buffer, start: number, end: number): void {
  if (end === start) return;
  reserve(end - start);
  if (end - start > BYTES_LOOP_MAX) {
    at += bytes.copy(scratch, at, start, end);
    return;
  }
  const target = scratch;
  let to = at;
  for (let from = start; from < end; from += 1) target[to++] = bytes[from] as number;
  at = to;
}

/** A varint field of at most 32 bits; 0 is not written. `key` is field number × 8. */
export function putUint32(key: number, value: number): void {
  if (value === 0) return;
  reserve(2 * VARINT_MAX);
  varint32(key);
  varint32(value);
}

/** A signed 64-bit varint field from a safe integer; 0 is not written. */
export function putInt64(key: number, value: number): void {
  if (value === 0) return;
  reserve(2 * VARINT_MAX);
  varint32(key);
  varint64(value);
}

/** A boolean field; false is not written. */
export function putBool(key: number, value: boolean): void {
  putUint32(key, value ? 1 : 0);
}

/** An unsigned 64-bit field of fixed length; 0 is not written. `key` is field number × 8 + 1. */
export function putFixed64(key: number, value: bigint): void {
  if (value === 0n) return;
  reserve(VARINT_MAX + 8);
  varint32(key);
  at = scratch.writeBigUInt64LE(value, at);
}

/** A text field; the empty text is not written. `key` is field number × 8 + 2. */
export function putText(key: number, text: string): void {
  const length = text.length;
  if (length === 0) return;
  reserve(2 * VARINT_MAX + length * 3);
  varint32(key);
  const start = at;
  if (length < TEXT_LOOP_MAX) {
    const target = scratch;
    let index = 0;
    for (; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) break;
      target[start + 1 + index] = unit;
    }
    if (index === length) {
      target[start] = length;
      at = start + 1 + length;
      return;
    }
  }
  varint32(length);
  const body = at;
  const written = scratch.write(text, body);
  closeLength(start, body, written);
}

/** A field of bytes; empty ones are written too, for where presence means something. */
export function putBytes(key: number, bytes: Buffer): void {
  reserve(2 * VARINT_MAX);
  varint32(key);
  varint32(bytes.length);
  putRaw(bytes, 0, bytes.length);
}

/** Opens a nested message; `closeMessage` with the answer ends it. */
export function openMessage(key: number): number {
  reserve(2 * VARINT_MAX);
  varint32(key);
  at += 1;
  return at;
}

/** Ends the nested message that `openMessage` answered `body` for. */
export function closeMessage(body: number): void {
  reserve(VARINT_MAX);
  closeLength(body - 1, body, at - body);
}

/** A `google.protobuf.Timestamp` from milliseconds since the Unix epoch. */
export function putTimestamp(key: number, ms: number): void {
  const body = openMessage(key);
  const whole = Math.floor(ms);
  const seconds = Math.floor(whole / 1_000);
  putInt64(8, seconds);
  putUint32(16, (whole - seconds * 1_000) * 1_000_000);
  closeMessage(body);
}

/** A `google.protobuf.Duration` from milliseconds (fractions to the nanosecond), not negative. */
export function putDuration(key: number, ms: number): void {
  const body = openMessage(key);
  const nanos = Math.round(Math.max(0, ms) * 1_000_000);
  const seconds = Math.floor(nanos / 1_000_000_000);
  putInt64(8, seconds);
  putUint32(16, nanos - seconds * 1_000_000_000);
  closeMessage(body);
}

/** Writes `length` at `start`, where as many bytes stand for it as end at `body`, moving the body if it needs more or fewer. */
function closeLength(start: number, body: number, length: number): void {
  const size = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < 0x1000_0000 ? 4 : 5;
  if (start + size !== body) scratch.copyWithin(start + size, body, body + length);
  at = start;
  varint32(length);
  at += length;
}

function varint32(value: number): void {
  const target = scratch;
  let rest = value >>> 0;
  let to = at;
  while (rest > 0x7f) {
    target[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[to++] = rest;
  at = to;
}

function varint64(value: number): void {
  if (value >= 0 && value < 2 ** 32) return varint32(value);
  if (value < 0) {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) scratch[at++] = Number(rest & 0x7fn) | 0x80;
    scratch[at++] = Number(rest);
    return;
  }
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) scratch[at++] = (rest % 128) | 0x80;
  scratch[at++] = rest;
}

function reserve(bytes: number): void {
  if (at + bytes <= scratch.length) return;
  const larger = Buffer.allocUnsafe(Math.max(scratch.length * 2, at + bytes));
  scratch.copy(larger, 0, 0, at);
  scratch = larger;
}
