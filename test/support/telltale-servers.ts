import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listening, type Listening } from './tls-endpoint.ts';

/** A server that refuses, and repeats in its answer what it was shown, as some do when they are being debugged. */
export interface TelltaleServer extends Listening {
  /** What it was shown so far. */
  shown(): string;
}

/** A token server that believes nobody: 401 and the request, headers and body, sent back. */
export async function startTelltaleTokenServer(): Promise<TelltaleServer> {
  let shown = '';
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const echo = `${JSON.stringify(request.headers)} ${body.toString()}`;
      shown += echo;
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: 'invalid_client', error_description: echo }));
    });
  });
  return { ...(await listening(server)), shown: () => shown };
}

/** A forward proxy that lets nobody through: 407, its reason and body being what it was shown. */
export async function startTelltaleProxy(): Promise<TelltaleServer> {
  let shown = '';
  const server = createServer().on('connect', (request, socket) => {
    const echo = String(request.headers['proxy-authorization']);
    shown += `${echo}\n`;
    socket.on('error', () => {});
    socket.end(`HTTP/1.1 407 not ${echo}\r\ncontent-length: ${echo.length}\r\nx-echo: ${echo}\r\n\r\n${echo}`);
  });
  return { ...(await listening(server)), shown: () => shown };
}
