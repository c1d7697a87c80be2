import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { listening, type Listening } from './tls-endpoint.ts';

export interface Collector extends Listening {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  /** All that it was sent, whole requests one after the other, by signal: `traces`, `metrics`, `logs`. */
  received(signal: string): Buffer;
}

/** A collector of telemetry that takes everything (OTLP over HTTP), and keeps it as it comes. */
export async function startCollector(): Promise<Collector> {
  const kept: { readonly path: string; readonly body: Buffer }[] = [];
  const server = await listening(
    createServer((request, response) => {
      void buffer(request).then((sent) => {
        const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
        kept.push({ path: request.url ?? '', body });
        response.end();
      });
    }),
  );
  return {
    ...server,
    url: `http://127.0.0.1:${server.port}`,
    received: (signal) => Buffer.concat(kept.filter(({ path }) => path === `/v1/${signal}`).map(({ body }) => body)),
  };
}
