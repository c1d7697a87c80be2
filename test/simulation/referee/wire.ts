/**
 * Reads single fields of a Protobuf message, independently of the codecs of the product: what the referee knows of a record
 * must not come from the code that it judges.
 */
export interface Fields {
  /** The last value of a number; 0 when it is absent. Read as a signed 64 bit number. */
  number(field: number): number;
  /** The last value of a message, text or run of bytes; empty when it is absent. */
  bytes(field: number): Buffer;
  /** The same, read as a message of its own. */
  message(field: number): Fields;
  /** All of them, each read as a message. */
  messages(field: number): readonly Fields[];
  has(field: number): boolean;
}

/** The fields of one message. Throws a RangeError when it is cut off. */
export function fieldsOf(message: Buffer): Fields {
  return new FlatFields(message, 0, message.length);
}

const NOTHING = Buffer.alloc(0);
const VARINT = 0;
const FIXED_64 = 1;
const RUN = 2;
const FIXED_32 = 5;

/** What stands where in the message; a run is cut out of it only when somebody asks. */
class FlatFields implements Fields {
  readonly #message: Buffer;
  /** Number, then start, then end (of a run) or -1 and the value (of a number), for each field in turn. */
  readonly #found: number[] = [];

  constructor(message: Buffer, start: number, end: number) {
    this.#message = message;
    const found = this.#found;
    for (let at = start; at < end;) {
      const keyEnd = varintEnd(message, at, end);
      const key = varint(message, at, keyEnd);
      at = keyEnd;
      const wire = key & 7;
      if (wire === VARINT) {
        const next = varintEnd(message, at, end);
        found.push(key >> 3, -1, varint(message, at, next));
        at = next;
      } else if (wire === RUN) {
        const from = varintEnd(message, at, end);
        const to = from + varint(message, at, from);
        found.push(key >> 3, from, Math.min(to, end));
        at = to;
      } else if (wire === FIXED_64) at += 8;
      else if (wire === FIXED_32) at += 4;
      else throw new RangeError(`unknown wire type ${wire}`);
    }
  }

  number(field: number): number {
    const found = this.#found;
    for (let at = found.length - 3; at >= 0; at -= 3)
      if (found[at] === field && found[at + 1] === -1) return found[at + 2] as number;
    return 0;
  }

  bytes(field: number): Buffer {
    const at = this.#lastRun(field);
    return at < 0 ? NOTHING : this.#message.subarray(this.#found[at + 1], this.#found[at + 2]);
  }

  message(field: number): Fields {
    const at = this.#lastRun(field);
    return at < 0 ? new FlatFields(NOTHING, 0, 0) : this.#nested(at);
  }

  messages(field: number): readonly Fields[] {
    const messages: Fields[] = [];
    for (let at = 0; at < this.#found.length; at += 3)
      if (this.#found[at] === field && this.#found[at + 1] !== -1) messages.push(this.#nested(at));
    return messages;
  }

  has(field: number): boolean {
    for (let at = 0; at < this.#found.length; at += 3) if (this.#found[at] === field) return true;
    return false;
  }

  #lastRun(field: number): number {
    const found = this.#found;
    for (let at = found.length - 3; at >= 0; at -= 3) if (found[at] === field && found[at + 1] !== -1) return at;
    return -1;
  }

  #nested(at: number): Fields {
    return new FlatFields(this.#message, this.#found[at + 1] as number, this.#found[at + 2] as number);
  }
}

/** Milliseconds since the Unix epoch of a `google.protobuf.Timestamp`. */
export function timeOf(timestamp: Fields): number {
  return timestamp.number(1) * 1_000 + Math.floor(timestamp.number(2) / 1_000_000);
}

/** One past the last byte of the number that begins at `at`. */
function varintEnd(message: Buffer, at: number, end: number): number {
  let next = at;
  while (next < end) if ((message[next++] as number) < 0x80) return next;
  throw new RangeError('the message is cut off');
}

/** A number of ten bytes is negative: only those are that long. */
function varint(message: Buffer, start: number, end: number): number {
  if (end - start === 10) return negative(message.subarray(start, end));
  let value = 0;
  let scale = 1;
  for (let at = start; at < end; at += 1, scale *= 128) value += ((message[at] as number) & 0x7f) * scale;
  return value;
}

function negative(bytes: Buffer): number {
  let value = 0n;
  for (const [index, byte] of bytes.entries()) value |= BigInt(byte & 0x7f) << BigInt(7 * index);
  return Number(BigInt.asIntN(64, value));
}
