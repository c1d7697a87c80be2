import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { CliError, exitCodes } from './cli-error.ts';

/** A request as the listener saw it. */
export interface ReceivedRequest {
  readonly time: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** `valid`, the reason why not, or `unchecked` when no secret was given. */
  readonly signature: string;
  /** What the listener answered. */
  readonly status: number;
}

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** `whsec_…`; absent: signatures are not checked. */
  readonly secret?: string;
  readonly status: number;
  readonly delayMs: number;
  /** Answer 500 to the first n requests of each webhook-id. */
  readonly failFirst: number;
  onRequest(request: ReceivedRequest): void;
}

const bodyBytesMax = 8 * 1024 * 1024;

export interface Listener extends AsyncDisposable {
  readonly port: number;
}

/** A receiver of webhooks as a customer would write one, with the official Standard Webhooks verifier. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const verifier = options.secret === undefined ? null : makeVerifier(options.secret);
  const times = new Map<string, number>();
  const server = createServer((request, response) => {
    readAll(request).then(
      (body) => answer(request, response, body, options, verifier, times),
      // Whoever sent it is gone: there is nobody to answer, and nothing whole to show.
      () => response.destroy(),
    );
  });
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function makeVerifier(secret: string): Webhook {
  if (!secret.startsWith('whsec_'))
    throw new CliError(
      exitCodes.usage,
      'The official verifier checks shared secrets: --secret must begin with whsec_.',
    );
  return new Webhook(secret);
}

function listen(server: Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new CliError(exitCodes.failed, `Port ${port} is taken; choose another with --port.`, { cause: error })
          : error,
      ),
    );
    server.listen(port, host, resolve);
  });
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  options: ListenerOptions,
  verifier: Webhook | null,
  times: Map<string, number>,
): void {
  const headers = flatten(request.headers);
  const id = headers['webhook-id'] ?? '';
  const count = (times.get(id) ?? 0) + 1;
  times.set(id, count);
  const status = count <= options.failFirst ? 500 : options.status;
  const reply = () => {
    response.writeHead(status, { 'content-type': 'text/plain' }).end(`${status}\n`);
    options.onRequest({
      time: new Date().toISOString(),
      path: request.url ?? '/',
      headers,
      body: body.toString(),
      signature: verifier === null ? 'unchecked' : verify(verifier, headers, body),
      status,
    });
  };
  setTimeout(reply, options.delayMs);
}

function verify(verifier: Webhook, headers: Record<string, string>, body: Buffer): string {
  // The official library reads bodies as text, so it cannot verify one that is none: Postrider signs bytes.
  if (!isUtf8(body)) return 'unchecked: the official library cannot verify a body that is not UTF-8';
  try {
    verifier.verify(body, headers, { jsonParse: false });
    return 'valid';
  } catch (error) {
    return `INVALID: ${(error as Error).message}`;
  }
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function flatten(headers: IncomingMessage['headers']): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  return flat;
}
