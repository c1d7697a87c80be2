import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Clock } from '@postrider/core';
import {
  createEgress,
  createPolicy,
  type Egress,
  type EgressOptions,
  type EgressRequest,
  type EgressResult,
} from '../src/index.ts';

/** The machine's clock: these tests talk to real sockets. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** An endpoint played on a raw socket of loopback: `behave` is called for every connection. */
export interface RawEndpoint extends AsyncDisposable {
  readonly port: number;
  readonly origin: string;
  /** Connections accepted so far. */
  accepts(): number;
  /** Resolves when no connection is open. */
  untilClosed(): Promise<void>;
  /** Everything received so far, over all connections. */
  received(): string;
}

export async function rawEndpoint(
  behave: (socket: Socket, connection: number) => void,
  host = '127.0.0.1',
  wantedPort = 0,
): Promise<RawEndpoint> {
  const sockets = new Set<Socket>();
  let accepts = 0;
  let received = '';
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      server.emit('gone');
    });
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    behave(socket, ++accepts);
  });
  server.listen(wantedPort, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    accepts: () => accepts,
    async untilClosed() {
      while (sockets.size > 0) await once(server, 'gone');
    },
    received: () => received,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Calls `answer` with the socket for each complete request (of a known `content-length`) that arrives on it. */
export function onRequest(socket: Socket, answer: (request: string, number: number) => void): void {
  let text = '';
  let number = 0;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (;;) {
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) return;
      const request = text.slice(0, end + 4 + length);
      text = text.slice(end + 4 + length);
      answer(request, ++number);
    }
  });
}

/** An endpoint that answers every request with the given bytes. */
export const answering = (bytes: string): Promise<RawEndpoint> =>
  rawEndpoint((socket) => onRequest(socket, () => socket.write(bytes, 'latin1')));

export const laptopPolicy = createPolicy({ allowHttp: true, allowLoopback: true, ports: 'any' });

/** A door that may reach loopback, closed at the end of the scope. */
export function openEgress(options: Partial<EgressOptions> = {}): Egress & AsyncDisposable {
  const egress = createEgress({ policy: laptopPolicy, clock: realClock, ...options });
  return { ...egress, [Symbol.asyncDispose]: () => egress.close({ graceMs: 0 }) };
}

export function requestTo(origin: string, more: Partial<EgressRequest> = {}): EgressRequest {
  return {
    origin,
    path: '/hook',
    headers: ['content-type', 'application/json', 'accept-encoding', 'identity'],
    body: Buffer.from('{"test":1}'),
    totalDeadlineMs: 15_000,
    poolKey: 'tenant/endpoint',
    maxSockets: 2,
    ...more,
  };
}

/** Sends and awaits the result; a second one is an uncaught exception and fails the test. */
export function sendOne(egress: Egress, request: EgressRequest): Promise<EgressResult> {
  const { promise, resolve } = Promise.withResolvers<EgressResult>();
  let results = 0;
  egress.send(request, (result) => {
    if (++results > 1) throw new Error('a second result');
    resolve(result);
  });
  return promise;
}
