import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { closeServer } from './close-server.ts';
import type { AddressInfo } from 'node:net';

/** A document as it is served. */
export interface PageDocument {
  /** JSON. */
  readonly body: string;
  /** In quotes; changes exactly when the body does. */
  readonly etag: string;
  readonly lastModified: Date;
  /** How long it may be kept, s. */
  readonly maxAgeS: number;
}

export interface PageOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The variable that sets the port, named in the error when the port cannot be had. */
  readonly portVariable: string;
  readonly path: string;
  /** What the page says now: answers at once. */
  readonly document: () => PageDocument;
  readonly limits: PageLimits;
}

/** Who asks is anybody, so everything is bounded. */
export interface PageLimits {
  readonly connectionsMax: number;
  /** How long a request may take to arrive, and twice that its answer to be taken, ms. */
  readonly requestMs: number;
  readonly headerBytesMax: number;
}

export interface Page extends AsyncDisposable {
  /** The port listened on. */
  readonly port: number;
}

/**
 * Serves one public page of JSON: GET and HEAD, with ETag and Cache-Control, and nothing else. Rejects with one sentence
 * that names the port and its variable when the port cannot be had.
 */
export async function startPage(options: PageOptions): Promise<Page> {
  const { host, port, limits } = options;
  const { requestMs } = limits;
  const server = createServer(
    {
      requestTimeout: requestMs,
      headersTimeout: requestMs,
      keepAliveTimeout: requestMs,
      connectionsCheckingInterval: Math.ceil(requestMs / 5),
      maxHeaderSize: limits.headerBytesMax,
    },
    (request, response) => answer(request, response, options),
  );
  server.maxConnections = limits.connectionsMax;
  // Whoever does not take its answer is not waited for.
  server.setTimeout(2 * requestMs, (socket) => socket.destroy());
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const text = `port ${port} for ${options.path} cannot be had; set ${options.portVariable} to another`;
    throw new Error(`${text}: ${(error as Error).message}`, { cause: error });
  }
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => closeServer(server),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, { path, document }: PageOptions): void {
  if (request.url?.split('?', 1)[0] !== path) return refuse(response, 404, `the only page is ${path}`);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return refuse(response, 405, 'only GET and HEAD');
  }
  const { body, etag, lastModified, maxAgeS } = document();
  response.setHeader('etag', etag);
  response.setHeader('last-modified', lastModified.toUTCString());
  response.setHeader('cache-control', `public, max-age=${maxAgeS}`);
  // It is public: pages of any origin may read it.
  response.setHeader('access-control-allow-origin', '*');
  if (isKnown(request.headers['if-none-match'], etag)) return void response.writeHead(304).end();
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.writeHead(200).end(request.method === 'HEAD' ? undefined : body);
}

/** RFC 9110, 13.1.2: weak comparison, in a list, or `*`. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const given = (ifNoneMatch ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  return given.includes(etag) || given.includes('*');
}

function refuse(response: ServerResponse, status: number, text: string): void {
  // Nothing that such a request may still send is read.
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(`${text}\n`);
}
