import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { ownCpuMicroseconds } from './proc-stat.ts';

/** How a loop is told what to do, as arguments of its process. */
export interface LoopOptions {
  readonly endpoints: number;
  readonly inFlight: number;
  readonly seconds: number;
  readonly bodyBytes: number;
}

/** Where the loop sends to. */
export interface LoopTarget {
  readonly port: number;
  readonly isTls: boolean;
  readonly endpoints: number;
}

/** POSTs to the endpoint of that number; `done` is called once. */
export type Post = (endpoint: number, headers: string[], body: Buffer, done: (error: Error | null) => void) => void;

/** The arguments that `runLoopProcess` starts a loop with. */
export function loopArguments({ port, isTls }: LoopTarget, options: LoopOptions): string[] {
  const { endpoints, inFlight, seconds, bodyBytes } = options;
  return [port, isTls ? 1 : 0, endpoints, inFlight, seconds, bodyBytes].map(String);
}

/**
 * Signs the same body again and again and posts it, a fixed number of requests in flight, to all endpoints in turn. After
 * the measured time it prints one JSON object (requests, wall and CPU microseconds; warm-up excluded) and ends the process.
 */
export function runSignedLoop(createPost: (target: LoopTarget) => Post): void {
  const [port = 0, tls = 0, endpoints = 1, inFlight = 1, seconds = 1, bodyBytes = 0] = process.argv
    .slice(2)
    .map(Number);
  const post = createPost({ port, isTls: tls === 1, endpoints });
  const sign = createSigner();
  const body = Buffer.alloc(bodyBytes, 'a');
  let requests = 0;
  let next = 0;
  let stopped = false;

  function start(): void {
    if (stopped) return;
    const number = next++;
    post(number % endpoints, sign(number, body), body, (error) => {
      // A loop with failures measures nothing.
      if (error !== null) throw error;
      requests += 1;
      start();
    });
  }

  for (let i = 0; i < inFlight; i += 1) start();
  const warmUpMs = Math.min(5_000, seconds * 250);
  setTimeout(function measure() {
    // Every endpoint has its connection first.
    if (requests < 2 * endpoints) return void setTimeout(measure, 100);
    const before = { requests, cpu: ownCpuMicroseconds(), at: process.hrtime.bigint() };
    setTimeout(() => {
      const wallUs = Number(process.hrtime.bigint() - before.at) / 1_000;
      const measured = { requests: requests - before.requests, cpuUs: ownCpuMicroseconds() - before.cpu, wallUs };
      process.stdout.write(`${JSON.stringify(measured)}\n`);
      stopped = true;
      process.exit(0);
    }, seconds * 1_000);
  }, warmUpMs);
}

function createSigner(): (number: number, body: Buffer) => string[] {
  const key = createSecretKey(randomBytes(32));
  return (number, body) => {
    const id = `msg_${number.toString(16).padStart(32, '0')}`;
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
    return [
      ...['content-type', 'application/json', 'user-agent', 'Postrider/0.1', 'accept-encoding', 'identity'],
      ...['webhook-id', id, 'webhook-timestamp', timestamp, 'webhook-signature', `v1,${signature}`],
    ];
  };
}
