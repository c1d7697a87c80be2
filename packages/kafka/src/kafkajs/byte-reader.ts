/** The last name read of each length. */
const knownNames = Array.from<{ readonly bytes: Buffer; readonly name: string } | undefined>({ length: 64 });

/** Reads the protocol's types one after the other. Throws `RangeError` when the bytes end early. */
export class ByteReader {
  readonly buffer: Buffer;
  offset: number;
  readonly end: number;

  constructor(buffer: Buffer, offset = 0, end = buffer.length) {
    this.buffer = buffer;
    this.offset = offset;
    this.end = end;
  }

  get left(): number {
    return this.end - this.offset;
  }

  int8(): number {
    return this.buffer.readInt8(this.#take(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#take(4));
  }

  /** Exact up to 2^53. */
  int64(): number {
    const at = this.#take(8);
    return this.buffer.readInt32BE(at) * 2 ** 32 + this.buffer.readUInt32BE(at + 4);
  }

  string(): string {
    const length = this.int16();
    const at = this.#take(Math.max(0, length));
    return this.buffer.toString('utf8', at, this.offset);
  }

  /** Text behind its length, a zigzag varint; the same few come again and again. */
  name(): string {
    const length = this.varint();
    const at = this.#take(length);
    const known = knownNames[length];
    if (known !== undefined && this.#stands(known.bytes, at)) return known.name;
    const name = this.buffer.toString('utf8', at, this.offset);
    if (length < knownNames.length)
      knownNames[length] = { bytes: Buffer.from(this.buffer.subarray(at, this.offset)), name };
    return name;
  }

  #stands(bytes: Buffer, at: number): boolean {
    for (let index = 0; index < bytes.length; index += 1) if (this.buffer[at + index] !== bytes[index]) return false;
    return true;
  }

  /** Zigzag varint of 32 or 64 bits; exact up to 2^53. */
  varint(): number {
    const value = this.unsignedVarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Exact up to 2^53. */
  unsignedVarint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1) {
      const byte = this.buffer[this.#take(1)] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RangeError('a varint of more than 10 bytes');
  }

  /** A view, not a copy. */
  bytes(length: number): Buffer {
    const at = this.#take(length);
    return this.buffer.subarray(at, at + length);
  }

  varBytes(): Buffer | null {
    const length = this.varint();
    return length < 0 ? null : this.bytes(length);
  }

  #take(length: number): number {
    const at = this.offset;
    if (length < 0 || at + length > this.end) throw new RangeError(`${length} bytes wanted, ${this.end - at} left`);
    this.offset = at + length;
    return at;
  }
}
