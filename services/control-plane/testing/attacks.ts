/** HTTP/2 as attackers speak it: frames by hand over raw sockets. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** Frame types of RFC 9113. */
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
/** Gives leave for more bytes. */
export const CREDIT = 8;
export const CONTINUATION = 9;
export const END_HEADERS = 4;

/** One frame; `length` is what it says of itself, which may be a lie. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer | string = '',
  length?: number,
): Buffer {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(length ?? body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, body]);
}

/** HPACK without its tables: each name and value as a literal. */
export function headerBlock(headers: readonly (readonly [name: string, value: string])[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    const rest: number[] = [];
    let left = bytes.length - 127;
    for (; left >= 128; left = Math.floor(left / 128)) rest.push((left % 128) + 128);
    return Buffer.concat([Buffer.from([127, ...rest, left]), bytes]);
  };
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** The headers of a call of this method. */
export function callHeaders(path: string, more: readonly (readonly [string, string])[] = []): Buffer {
  return headerBlock([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', '127.0.0.1'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...more,
  ]);
}

/** A socket that never fails: what becomes of it is looked at. */
export function open(port: number, ...sent: readonly Buffer[]): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  for (const part of sent) socket.write(part);
  return socket;
}

/** Settings by which nothing may be sent before leave is given (RFC 9113, 6.5.2: 4). */
export const noCredit = frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));

export const opening = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]);

/** Resolves when the other side has ended it, by a reset also: `once` of `node:events` would reject for that. */
export async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => void socket.once('close', () => resolve()));
}

/** Writes all of it as fast as it is taken, or until the other side has ended the connection. */
export async function flood(socket: Socket, parts: Iterable<Buffer>): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return;
    if (!socket.write(part)) await Promise.race([once(socket, 'drain').catch(() => {}), closed(socket)]);
  }
}
