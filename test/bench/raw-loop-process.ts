/**
 * The physical limit that benchmarks compare with: a loop that signs the same body and POSTs it with undici's `dispatch`,
 * one client per endpoint, a fixed number of requests in flight, and nothing else.
 *
 *   node test/bench/raw-loop-process.ts <port> <endpoints> <in flight> <seconds> <body bytes>
 *
 * Prints one JSON object: requests, wall and CPU microseconds (warm-up excluded).
 */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { Client } from 'undici';

const [port, endpoints, inFlight, seconds, bodyBytes] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
  number,
];
const key = createSecretKey(randomBytes(32));
const body = Buffer.alloc(bodyBytes, 'a');
const clients = Array.from(
  { length: endpoints },
  () => new Client(`http://127.0.0.1:${port}`, { pipelining: 1, keepAliveTimeout: 60_000 }),
);
let requests = 0;
let next = 0;
let stopped = false;

function signedHeaders(): string[] {
  const id = `msg_${next.toString(16).padStart(32, '0')}`;
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return [
    'content-type',
    'application/json',
    'user-agent',
    'Postrider/0.1',
    'accept-encoding',
    'identity',
    'webhook-id',
    id,
    'webhook-timestamp',
    timestamp,
    'webhook-signature',
    `v1,${signature}`,
  ];
}

function start() {
  if (stopped) return;
  const client = clients[next++ % clients.length]!;
  let ended = false;
  const end = (error: Error | null) => {
    if (ended) return;
    ended = true;
    // A baseline with failures measures nothing.
    if (error !== null) throw error;
    requests += 1;
    start();
  };
  client.dispatch(
    { path: `/e${next % clients.length}`, method: 'POST', headers: signedHeaders(), body },
    {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd: () => end(null),
      onResponseError: (_controller, error) => end(error),
    },
  );
}

const cpu = () => {
  const usage = process.cpuUsage();
  return usage.user + usage.system;
};
for (let i = 0; i < inFlight; i += 1) start();
const warmUpMs = Math.min(5_000, seconds * 250);
setTimeout(() => {
  const before = { requests, cpu: cpu(), at: process.hrtime.bigint() };
  setTimeout(() => {
    const wallUs = Number(process.hrtime.bigint() - before.at) / 1_000;
    process.stdout.write(
      `${JSON.stringify({ requests: requests - before.requests, cpuUs: cpu() - before.cpu, wallUs })}\n`,
    );
    stopped = true;
    process.exit(0);
  }, seconds * 1_000);
}, warmUpMs);
