import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { closeServer } from './close-server.ts';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

/** What a check says. `reason` tells an operator what is waited for or broken; `detail` is shown as it is. */
export type CheckResult =
  | { readonly ok: true; readonly detail?: unknown }
  | { readonly ok: false; readonly reason: string; readonly detail?: unknown };

/** A named check reads state that is already there: it answers at once and does no I/O. */
export type Checks = Readonly<Record<string, () => CheckResult>>;

export interface HealthOptions {
  /** TCP port; 0 lets the system choose. */
  readonly port: number;
  /** Address to listen on. Default: all. */
  readonly host?: string;
  /** All must be ok for `/readyz` to answer 200. */
  readonly checks: Checks;
  /** All must be ok for `/livez` to answer 200. Only what a restart would cure belongs here. Default: none. */
  readonly liveChecks?: Checks;
  readonly metrics?: Metrics;
  /** The variable that sets the port, named in the error when the port is taken. */
  readonly portVariable?: string;
}

export interface Health extends AsyncDisposable {
  /** The port listened on. */
  readonly port: number;
}

/** Probes come from few places and are small; whatever is slower or more is not a probe. */
const connectionsMax = 64;
const requestTimeoutMs = 5_000;

/**
 * Serves `/livez` and `/readyz` (JSON with each check by name; 503 if one is not ok) and `/metrics` (Prometheus text).
 * Rejects with one sentence that names the port, and the variable to change, when the port cannot be had.
 */
export async function startHealth(options: HealthOptions): Promise<Health> {
  const server = createServer(
    { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
    (request, response) => {
      answer(request, response, options);
    },
  );
  server.maxConnections = connectionsMax;
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => closeServer(server),
  };
}

async function listen(server: Server, options: HealthOptions): Promise<void> {
  try {
    server.listen({ port: options.port, ...(options.host === undefined ? {} : { host: options.host }) });
    await once(server, 'listening');
  } catch (error) {
    throw new Error(listenProblem(error as NodeJS.ErrnoException, options), { cause: error });
  }
}

function listenProblem(error: NodeJS.ErrnoException, { port, host, portVariable }: HealthOptions): string {
  const change = portVariable === undefined ? '' : `; set ${portVariable} to another`;
  if (error.code === 'EADDRINUSE') return `port ${port} for health and metrics is taken by another process${change}`;
  if (error.code === 'EACCES')
    return `port ${port} for health and metrics needs more rights than this process has${change}`;
  return `cannot listen on ${host ?? 'any address'}, port ${port}, for health and metrics: ${error.message}`;
}

function answer(request: IncomingMessage, response: ServerResponse, options: HealthOptions): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(response, 405, 'text/plain', 'only GET and HEAD\n');
  }
  const path = request.url?.split('?', 1)[0];
  if (path === '/livez') return sendChecks(response, options.liveChecks ?? {});
  if (path === '/readyz') return sendChecks(response, options.checks);
  if (path === '/metrics' && options.metrics !== undefined) return sendMetrics(response, options.metrics);
  send(response, 404, 'text/plain', 'known paths: /livez, /readyz, /metrics\n');
}

function sendChecks(response: ServerResponse, checks: Checks): void {
  const results = Object.entries(checks).map(([name, check]) => [name, runCheck(check)] as const);
  const ok = results.every(([, result]) => result.ok);
  const body = JSON.stringify({ ok, checks: Object.fromEntries(results) });
  send(response, ok ? 200 : 503, 'application/json', `${body}\n`);
}

function runCheck(check: () => CheckResult): CheckResult {
  try {
    return check();
  } catch (error) {
    return { ok: false, reason: `the check itself failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function sendMetrics(response: ServerResponse, metrics: Metrics): void {
  metrics.text().then(
    (text) => send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', text),
    (error: unknown) => send(response, 500, 'text/plain', `metrics cannot be read: ${String(error)}\n`),
  );
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
