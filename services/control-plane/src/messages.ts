/** What ts-proto gives for every message. */
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
}

/** Whether two messages say the same. */
export function isSame<T>(codec: Codec<T>, a: T, b: T): boolean {
  return Buffer.compare(codec.encode(a).finish(), codec.encode(b).finish()) === 0;
}

/** Bytes of a message in an answer. */
export function sizeOf<T>(codec: Codec<T>, message: T): number {
  return codec.encode(message).finish().length;
}
