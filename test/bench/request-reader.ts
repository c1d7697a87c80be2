import type { Socket } from 'node:net';

/** What is told of the requests on a connection, one after the other. */
export interface RequestReader {
  /** The head is there, and of the body as many bytes as are wanted: its head up to the empty line, and these bytes. */
  began?(head: string, bodyStart: Buffer): void;
  /** All of its body is there. */
  ended(): void;
}

const headEnd = Buffer.from('\r\n\r\n');
const contentLength = /\r\ncontent-length: *(\d+)/i;

/** Reads HTTP/1.1 requests whose bodies have a length, and no more of them than that takes. */
export function readRequests(socket: Socket, reader: RequestReader, bodyStartBytes = 0): void {
  let pending: Buffer = Buffer.alloc(0);
  let bodyLeft = 0;
  socket.on('data', (chunk: Buffer) => {
    let rest = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      if (bodyLeft > 0) {
        const taken = Math.min(bodyLeft, rest.length);
        bodyLeft -= taken;
        rest = rest.subarray(taken);
        if (bodyLeft > 0) break;
        reader.ended();
      }
      const end = rest.indexOf(headEnd);
      if (end < 0) break;
      const head = rest.toString('latin1', 0, end + 2);
      const bytes = Number(contentLength.exec(head)?.[1] ?? 0);
      const startEnd = end + headEnd.length + Math.min(bytes, bodyStartBytes);
      if (rest.length < startEnd) break;
      reader.began?.(head, rest.subarray(end + headEnd.length, startEnd));
      bodyLeft = bytes;
      rest = rest.subarray(end + headEnd.length);
      if (bodyLeft === 0) reader.ended();
    }
    pending = rest;
  });
}
