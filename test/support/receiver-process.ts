/**
 * The customers of a test, in a process of their own: one HTTP server, one behaviour per path, a receipt for every request.
 * Spoken to over IPC: `behave` sets the behaviours, `receipts` asks for everything that was received so far.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Behaviour, Receipt } from './receipt.ts';
import { signatureVerifier, type VerifySignature } from './verify-signature.ts';

type Command =
  | { kind: 'behave'; behaviours: Record<string, Behaviour> }
  | { kind: 'alter'; paths: readonly string[]; changes: Partial<Behaviour> }
  | { kind: 'receipts'; from: number }
  | { kind: 'count' };

const behaviours = new Map<string, Behaviour & { verify: VerifySignature }>();
const seen = new Map<string, number>();
/** Requests by path, where each n-th counts. */
const counts = new Map<string, number>();
const receipts: Receipt[] = [];

function receive(request: IncomingMessage, response: ServerResponse) {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => answer(request, Buffer.concat(chunks), response));
}

function answer(request: IncomingMessage, body: Buffer, response: ServerResponse) {
  const path = (request.url ?? '/').slice(1);
  const behaviour = behaviours.get(path);
  const headers = request.headers as Record<string, string>;
  const webhookId = headers['webhook-id'] ?? '';
  const status = behaviour === undefined ? 404 : statusFor(path, webhookId, behaviour);
  receipts.push({
    path,
    webhookId,
    bodySha256: createHash('sha256').update(body).digest('hex'),
    at: Date.now(),
    from: request.socket.remoteAddress ?? '',
    agent: headers['user-agent'] ?? '',
    status,
    signature: behaviour === undefined ? 'unknown path' : behaviour.verify(headers, body),
  });
  if (status === 0) return;
  if (behaviour?.retryAfter !== undefined && status >= 300) response.setHeader('retry-after', behaviour.retryAfter);
  const send = () => response.writeHead(status, { 'content-length': 0 }).end();
  if (behaviour?.delayMs) setTimeout(send, behaviour.delayMs);
  else send();
}

function statusFor(path: string, webhookId: string, behaviour: Behaviour): number {
  if (behaviour.kind === 'hang') return 0;
  if (behaviour.hangEvery !== undefined) {
    const count = (counts.get(path) ?? 0) + 1;
    counts.set(path, count);
    if (count % behaviour.hangEvery === 0) return 0;
  }
  if (behaviour.failFirst !== undefined) {
    const key = `${path} ${webhookId}`;
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    if (times <= behaviour.failFirst) return 404;
  }
  return behaviour.status ?? 200;
}

const server = createServer({ keepAliveTimeout: 60_000 }, receive);
server.listen(0, '127.0.0.1', () =>
  process.send?.({ kind: 'listening', port: (server.address() as AddressInfo).port }),
);

process.on('message', (command: Command) => {
  if (command.kind === 'behave') {
    for (const [path, behaviour] of Object.entries(command.behaviours))
      behaviours.set(path, { ...behaviour, verify: signatureVerifier(behaviour.verifyWith) });
    process.send?.({ kind: 'done' });
  } else if (command.kind === 'alter') {
    for (const path of command.paths) {
      const before = behaviours.get(path);
      if (before !== undefined) behaviours.set(path, { ...before, ...command.changes });
    }
    process.send?.({ kind: 'done' });
  } else if (command.kind === 'receipts') process.send?.({ kind: 'receipts', receipts: receipts.slice(command.from) });
  else process.send?.({ kind: 'count', count: receipts.length });
});
process.on('disconnect', () => process.exit(0));
