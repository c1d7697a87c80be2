/**
 * Reads single fields of a Protobuf message, independently of the codecs of the product: what the referee knows of a record
 * must not come from the code that it judges.
 */
export interface Fields {
  /** The last value of a number; 0 when it is absent. Read as a signed 64 bit number. */
  number(field: number): number;
  /** The last value of a message, text or run of bytes; empty when it is absent. */
  bytes(field: number): Buffer;
  /** All of them. */
  all(field: number): readonly Buffer[];
  has(field: number): boolean;
}

/** The fields of one message. Throws a RangeError when it is cut off. */
export function fieldsOf(message: Buffer): Fields {
  const numbers = new Map<number, number>();
  const runs = new Map<number, Buffer[]>();
  let at = 0;
  const varint = (): number => {
    const start = at;
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('the message is cut off');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return at - start === 10 ? negative(message.subarray(start, at)) : value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const field = key >> 3;
    switch (key & 7) {
      case 0:
        numbers.set(field, varint());
        break;
      case 2: {
        const length = varint();
        const run = message.subarray(at, at + length);
        at += length;
        const runsOf = runs.get(field);
        if (runsOf === undefined) runs.set(field, [run]);
        else runsOf.push(run);
        break;
      }
      case 1:
        at += 8;
        break;
      case 5:
        at += 4;
        break;
      default:
        throw new RangeError(`unknown wire type ${key & 7}`);
    }
  }
  return {
    number: (field) => numbers.get(field) ?? 0,
    bytes: (field) => runs.get(field)?.at(-1) ?? Buffer.alloc(0),
    all: (field) => runs.get(field) ?? [],
    has: (field) => numbers.has(field) || runs.has(field),
  };
}

/** Milliseconds since the Unix epoch of a `google.protobuf.Timestamp`. */
export function timeOf(timestamp: Buffer): number {
  const fields = fieldsOf(timestamp);
  return fields.number(1) * 1_000 + Math.floor(fields.number(2) / 1_000_000);
}

/** A number of ten bytes: only negative ones are that long. */
function negative(bytes: Buffer): number {
  let value = 0n;
  for (const [index, byte] of bytes.entries()) value |= BigInt(byte & 0x7f) << BigInt(7 * index);
  return Number(BigInt.asIntN(64, value));
}
