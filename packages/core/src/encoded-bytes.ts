/** What an encoder has written, as a Buffer over the same memory: it belongs to nobody else. */
export function encodedBytes(writer: { finish(): Uint8Array }): Buffer {
  const bytes = writer.finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
