/**
 * The cheapest HTTP/1.1 receiver that still reads every request to its end: answers 200 to all, counts, keeps connections
 * open (`close`: closes them). `tls`: over TLS. `wide`: on sixteen addresses of loopback. In a process of its own, so that its
 * CPU is not the sender's. Over IPC: any message is answered with the count.
 */
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { benchIdentity } from './bench-certificates.ts';
import { ownCpuMicroseconds } from './proc-stat.ts';
import { readRequests } from './request-reader.ts';

const isTls = process.argv.includes('tls');
const closes = process.argv.includes('close');
const isWide = process.argv.includes('wide');
const addresses = isWide ? 16 : 1;
// Without a hint the sender keeps connections as long as it likes.
const kept = isWide ? '' : 'keep-alive: timeout=60\r\n';
const connection = closes ? 'connection: close' : `${kept}connection: keep-alive`;
const ok = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: 0\r\n${connection}\r\n\r\n`);
let requests = 0;
let connections = 0;

function serve(socket: Socket) {
  connections += 1;
  socket.on('close', () => {
    connections -= 1;
  });
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  readRequests(socket, { ended: () => answer(socket) });
}

function answer(socket: Socket) {
  requests += 1;
  if (closes) socket.end(ok);
  else socket.write(ok);
}

/** Listens on the first address where there is a port, and on the others at the same one. */
function listen(address: number, port: number) {
  const server = isTls ? createTlsServer(benchIdentity(), serve) : createServer(serve);
  server.listen(port, `127.0.0.${address}`, 4_096, () => {
    const { port: listened } = server.address() as AddressInfo;
    if (address < addresses) listen(address + 1, listened);
    else process.send?.({ port: listened });
  });
}

listen(1, 0);
process.on('message', () => process.send?.({ requests, connections, cpuUs: ownCpuMicroseconds() }));
process.on('disconnect', () => process.exit(0));
