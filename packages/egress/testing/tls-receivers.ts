import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { onRequest, rawEndpoint } from './support.ts';

/** An endpoint that speaks TLS, or something in its place. */
export interface TlsReceiver extends AsyncDisposable {
  readonly port: number;
}

/** A file of `testdata/tls`. */
export const tlsFile = (name: string): Buffer => readFileSync(new URL(`../testdata/tls/${name}`, import.meta.url));

/** Key and certificate of that name. */
export const identity = (name: string): { key: Buffer; cert: Buffer } => ({
  key: tlsFile(`${name}.key`),
  cert: tlsFile(`${name}.pem`),
});

/** Answers 200 to those who accept its certificate. */
export async function tlsReceiver(options: TlsOptions): Promise<TlsReceiver> {
  const server = createServer(options, (socket) => {
    socket.on('error', () => {});
    onRequest(socket, () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await Promise.resolve();
    },
  };
}

/** Every behaviour on a port of TLS, by the id of its row in `testdata/hostile-responses.json`. */
export const tlsReceivers: Readonly<Record<string, () => Promise<TlsReceiver>>> = {
  'tls-self-signed': () => tlsReceiver(identity('self-signed')),
  'tls-expired': () => tlsReceiver(identity('expired')),
  'tls-wrong-name': () => tlsReceiver(identity('other')),
  'tls-1.0': () =>
    tlsReceiver({ ...identity('hook'), minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  // The certificate's key is of another kind than the only cipher asks for.
  'tls-no-cipher': () =>
    tlsReceiver({ ...identity('hook'), maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }),
  'tls-stall': () => rawEndpoint(() => {}),
  'tls-3200-bad': () => tlsReceiver(identity('self-signed')),
  'plain-on-tls': () =>
    rawEndpoint((socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))),
};
