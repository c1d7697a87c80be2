/** Writes the protocol's types one after the other into a buffer that is large enough. */
export class ByteWriter {
  readonly buffer: Buffer;
  offset = 0;

  /** `size` bytes, not zeroed: what is not written must not be sent. */
  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  int8(value: number): void {
    this.buffer[this.offset++] = value;
  }

  int16(value: number): void {
    this.offset = this.buffer.writeInt16BE(value, this.offset);
  }

  int32(value: number): void {
    this.offset = this.buffer.writeInt32BE(value, this.offset);
  }

  /** Integers between -2^53 and 2^53. */
  int64(value: number): void {
    this.int32(Math.floor(value / 2 ** 32) | 0);
    this.offset = this.buffer.writeUInt32BE(value >>> 0, this.offset);
  }

  string(value: string | null): void {
    if (value === null) return this.int16(-1);
    const at = this.offset;
    this.offset += 2;
    this.offset += this.buffer.write(value, this.offset, 'utf8');
    this.buffer.writeInt16BE(this.offset - at - 2, at);
  }

  bytes(value: Uint8Array): void {
    this.buffer.set(value, this.offset);
    this.offset += value.length;
  }

  /** Zigzag varint of a 32-bit integer. */
  varint(value: number): void {
    this.unsignedVarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** Varint of an integer from 0 to 2^32 - 1. */
  unsignedVarint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.offset++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.offset++] = rest;
  }

  varBytes(value: Uint8Array | null): void {
    if (value === null) return this.varint(-1);
    this.varint(value.length);
    this.bytes(value);
  }
}

/** How many bytes `varint` writes. */
export function varintSize(value: number): number {
  const rest = ((value << 1) ^ (value >> 31)) >>> 0;
  return rest < 0x80 ? 1 : rest < 0x4000 ? 2 : rest < 0x20_0000 ? 3 : rest < 0x1000_0000 ? 4 : 5;
}
