/**
 * The cheapest HTTP/1.1 receiver that still reads every request to its end: answers 200 to all, counts, keeps connections
 * open. In a process of its own, so that its CPU is not the sender's. Over IPC: any message is answered with the count.
 */
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

const ok = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nkeep-alive: timeout=60\r\nconnection: keep-alive\r\n\r\n',
);
const headEnd = Buffer.from('\r\n\r\n');
const contentLength = /\r\ncontent-length: *(\d+)/i;
let requests = 0;
let connections = 0;

function serve(socket: Socket) {
  let pending: Buffer = Buffer.alloc(0);
  let bodyLeft = 0;
  connections += 1;
  socket.on('close', () => {
    connections -= 1;
  });
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    let rest = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      if (bodyLeft > 0) {
        const taken = Math.min(bodyLeft, rest.length);
        bodyLeft -= taken;
        rest = rest.subarray(taken);
        if (bodyLeft > 0) break;
        requests += 1;
        socket.write(ok);
      }
      const end = rest.indexOf(headEnd);
      if (end < 0) break;
      bodyLeft = Number(contentLength.exec(rest.toString('latin1', 0, end + 2))?.[1] ?? 0);
      rest = rest.subarray(end + 4);
      if (bodyLeft === 0) {
        requests += 1;
        socket.write(ok);
      }
    }
    pending = rest;
  });
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', 4_096, () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => process.send?.({ requests, connections, cpuUs: cpuMicroseconds() }));
process.on('disconnect', () => process.exit(0));

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
