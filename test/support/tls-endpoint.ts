import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { EndpointTls, type EndpointAuth } from '@postrider/contract/postrider/v1/endpoint';
import type { TestAuthority, TestCertificate } from './certificates.ts';

/** What an endpoint saw of a request: the common name of the client's certificate, the headers, and the TLS version. */
export interface Seen {
  readonly client: string;
  readonly headers: IncomingMessage['headers'];
  readonly tlsVersion: string | null;
}

export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** Listens on a free port of loopback. */
export async function listening(server: Server): Promise<Listening> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface TlsEndpoint extends Listening {
  readonly url: string;
  readonly seen: readonly Seen[];
}

/** An endpoint with a certificate of `authority` that talks only to clients of the same, a while after each has asked. */
export async function startTlsEndpoint(
  authority: TestAuthority,
  status: (seen: Seen) => number = () => 200,
): Promise<TlsEndpoint> {
  const seen: Seen[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume().on('end', () => {
      const socket = request.socket as TLSSocket;
      const { subject } = socket.getPeerCertificate();
      const one = { client: String(subject?.CN), headers: request.headers, tlsVersion: socket.getProtocol() };
      seen.push(one);
      // Like a debugging page it sends back all that it was shown.
      const echo = JSON.stringify(request.headers);
      setTimeout(() => response.writeHead(status(one), { 'x-echo': echo }).end(echo), 5);
    });
  };
  const asksForClients = { requestCert: true, rejectUnauthorized: true, ca: authority.ca };
  const server = await listening(createHttpsServer({ ...(await authority.issue('hook')), ...asksForClients }, answer));
  return { ...server, seen, url: `https://127.0.0.1:${server.port}/in` };
}

export interface TokenServer extends Listening {
  readonly url: string;
  /** How many tokens it has given. */
  given(): number;
}

/** Gives whoever asks a token, `token-c4nary-<number>`, for an hour. */
export async function startTokenServer(): Promise<TokenServer> {
  let given = 0;
  const server = await listening(
    createHttpServer((request, response) => {
      const body = JSON.stringify({ access_token: `token-c4nary-${++given}`, token_type: 'Bearer', expires_in: 3_600 });
      request.resume().on('end', () => response.end(body));
    }),
  );
  return { ...server, given: () => given, url: `http://127.0.0.1:${server.port}/token` };
}

/** TLS settings of an endpoint: TLS 1.3, this client certificate, and no authority but this one. */
export function tlsSettings(authority: TestAuthority, { cert, key }: TestCertificate): EndpointTls {
  return EndpointTls.fromPartial({
    ...{ caPem: authority.ca, clientCertificatePem: cert, clientKeyPem: key },
    minVersion: 'TLS_VERSION_1_3',
  });
}

/** Client credentials that are shown to this token URL. */
export function oauth2(tokenUrl: string): EndpointAuth {
  const value = { tokenUrl, clientId: 'me', clientSecret: 'secret-c4nary', scopes: ['hooks'] };
  return { method: { $case: 'oauth2', value } };
}
