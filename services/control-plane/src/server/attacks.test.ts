/**
 * Clients that abuse HTTP/2 and gRPC, over real sockets of loopback, while others are served. Doubles: Kafka, and timers that
 * run faster where one is waited for. Observed: the attackers' connections and statuses, memory, and the latency of others.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { Metadata, status } from '@grpc/grpc-js';
import { createFakeKafka } from '@postrider/kafka/testing';
import { systemClock } from '@postrider/runtime';
import * as attack from '../../testing/attacks.ts';
import { encode, openRaw, pathOf, type RawClient } from '../../testing/raw-calls.ts';
import { ADMIN_KEY, failure, startTestPlane, type Running } from '../../testing/harness.ts';
import { serverLimits } from '../server-limits.ts';
import type { TestContext } from 'node:test';

const { frame, open, opening } = attack;
/** How long others may wait at most. The machine has few cores, and the attacker runs on them, too. */
const OTHERS_MAX_MS = 2_000;
/** How much faster timers run: where a limit of time is waited for, 20 times. */
let pace = 1;
const clock = { ...systemClock, after: (ms: number, callback: () => void) => systemClock.after(ms / pace, callback) };

let run: Running;
let others: RawClient;
const faults: unknown[] = [];
process.on('unhandledRejection', (reason) => faults.push(reason));
process.on('uncaughtException', (error) => faults.push(error));

before(async () => {
  run = await startTestPlane({}, createFakeKafka({ clock }));
  others = openRaw(run.plane.port, ADMIN_KEY);
  const make = (method: Parameters<typeof encode>[0], request: Parameters<typeof encode>[1]) =>
    others.call(method, encode(method, request));
  await make('CreateTenant', { tenant_id: 'acme' });
  // Pages of them are as large as pages may be.
  const headers = { 'x-a': 'a'.repeat(4_000), 'x-b': 'b'.repeat(4_000) };
  for (let index = 0; index < 300; index++)
    await make('CreateEndpoint', { parent: 'tenants/acme', endpoint: { url: 'https://hooks.acme.dev/', headers } });
});
after(async () => {
  others[Symbol.dispose]();
  await run.stop();
});

afterEach(() => {
  pace = 1;
});

const get = encode('GetTenant', { name: 'tenants/acme' });
const path = pathOf('GetTenant');
const authorized: readonly (readonly [string, string])[] = [['authorization', `Bearer ${ADMIN_KEY}`]];
/** A message as gRPC frames it. */
const grpc = (message: Buffer, isCompressed = false): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt8(isCompressed ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

/** Calls as somebody else does, one after the other, until the attack is over; all of them must be answered in time. */
async function whileOthersCall(t: TestContext, attacking: Promise<unknown>): Promise<void> {
  const tookMs: number[] = [];
  let isOver = false;
  const ended = attacking.finally(() => (isOver = true));
  do {
    const started = performance.now();
    await others.call('GetTenant', get);
    tookMs.push(performance.now() - started);
  } while (!isOver || tookMs.length < 20);
  await ended;
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1);
  t.diagnostic(`others meanwhile: ${sorted.length} calls, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`);
  assert.ok((sorted.at(-1) ?? 0) < OTHERS_MAX_MS, `${at(1)} ms`);
  assert.deepEqual(faults, []);
}

/** A session of HTTP/2 that says what it likes. */
function openSession(): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${run.plane.port}`);
  session.on('error', () => {});
  return session;
}

function request(session: ClientHttp2Session, method = path, more: Record<string, string> = {}) {
  const headers = { ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ...headers, authorization: `Bearer ${ADMIN_KEY}`, ...more });
  stream.on('error', () => {});
  return stream;
}

/** The gRPC status of a stream once it is over; null: it broke off. */
function statusOf(stream: ReturnType<typeof request>): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  let code: unknown;
  const look = (headers: object): void => {
    code = (headers as Record<string, unknown>)['grpc-status'] ?? code;
    // What is refused while it is being sent may never be closed by its sender.
    if (code !== undefined) resolve(status[Number(code)] ?? String(code));
  };
  stream.on('response', look).on('trailers', look).resume();
  stream.on('close', () => resolve(code === undefined ? null : (status[Number(code)] ?? String(code))));
  return promise;
}

test('a message beyond the limit ends its call, and nothing else', async (t) => {
  using attacker = openRaw(run.plane.port, ADMIN_KEY, { 'grpc.max_send_message_length': -1 });
  const large = Buffer.alloc(serverLimits.requestBytesMax + 1, 0x61);
  const calls = Array.from({ length: 20 }, () => failure(attacker.call('GetTenant', large)));
  await whileOthersCall(t, Promise.all(calls));
  for (const call of calls) assert.equal((await call).code, 'RESOURCE_EXHAUSTED');
  assert.ok((await attacker.call('GetTenant', get)).length > 0);
});

test('a message that says it has four gigabytes is refused before it comes', async (t) => {
  const session = openSession();
  const stream = request(session);
  stream.end(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 0x61]));
  const code = statusOf(stream);
  await whileOthersCall(t, code);
  assert.equal(await code, 'RESOURCE_EXHAUSTED');
  session.destroy();
});

test('a compressed message that grows beyond the limit is not unpacked', async (t) => {
  const bomb = grpc(gzipSync(Buffer.alloc(256 * 1_048_576)), true);
  const before = process.memoryUsage().rss;
  const session = openSession();
  const codes = Array.from({ length: 20 }, () => {
    const stream = request(session, path, { 'grpc-encoding': 'gzip' });
    stream.end(bomb);
    return statusOf(stream);
  });
  await whileOthersCall(t, Promise.all(codes));
  for (const code of codes) assert.equal(await code, 'RESOURCE_EXHAUSTED');
  const grown = process.memoryUsage().rss - before;
  t.diagnostic(`20 bombs of 256 MiB: memory grew by ${(grown / 1_048_576).toFixed(0)} MiB`);
  assert.ok(grown < 200 * 1_048_576, `${grown}`);
  session.destroy();
});

test('a compressed message that is none, or of a kind that there is not, gets a clean status', async () => {
  const session = openSession();
  for (const encoding of ['gzip', 'deflate', 'br', 'nothing']) {
    const stream = request(session, path, { 'grpc-encoding': encoding });
    stream.end(grpc(Buffer.from('not compressed at all'), true));
    const code = await statusOf(stream);
    assert.ok(['INTERNAL', 'UNIMPLEMENTED', 'INVALID_ARGUMENT'].includes(code ?? ''), `${encoding}: ${code}`);
  }
  session.destroy();
});

test('metadata beyond the limit ends its call', async (t) => {
  const session = openSession();
  const stream = request(session, path, { 'x-large': 'a'.repeat(serverLimits.metadataBytesMax) });
  stream.end(grpc(get));
  const code = statusOf(stream);
  await whileOthersCall(t, code);
  assert.equal(await code, 'RESOURCE_EXHAUSTED');
  // Much beyond it, HTTP/2 itself refuses.
  const larger = request(session, path, { 'x-larger': 'a'.repeat(200_000) });
  larger.end(grpc(get));
  assert.notEqual(await statusOf(larger), 'OK');
  session.destroy();
});

test(
  'a thousand streams that never end take no more than their share, and are ended',
  { timeout: 60_000 },
  async (t) => {
    pace = 20;
    const session = openSession();
    const streams = Array.from({ length: 1_000 }, () => statusOf(request(session)));
    const first = Promise.all(streams.slice(0, serverLimits.concurrentStreamsMax));
    await whileOthersCall(t, first);
    assert.deepEqual(new Set(await first), new Set(['DEADLINE_EXCEEDED']));
    session.destroy();
    await Promise.all(streams);
  },
);

test('streams that are opened and reset as fast as it goes end the connection', { timeout: 60_000 }, async (t) => {
  const socket = open(run.plane.port, opening);
  const headers = attack.callHeaders(path, authorized);
  const reset = Buffer.from([0, 0, 0, 8]);
  function* floods(): Iterable<Buffer> {
    for (let stream = 1; stream < 60_000; stream += 2)
      yield Buffer.concat([
        frame(attack.HEADERS, attack.END_HEADERS, stream, headers),
        frame(attack.RST_STREAM, 0, stream, reset),
      ]);
  }
  await whileOthersCall(
    t,
    attack.flood(socket, floods()).then(() => attack.closed(socket)),
  );
});

test('headers without end are not gathered', { timeout: 60_000 }, async (t) => {
  const socket = open(run.plane.port, opening, frame(attack.HEADERS, 0, 1, attack.callHeaders(path)));
  const before = process.memoryUsage().rss;
  const more = frame(attack.CONTINUATION, 0, 1, attack.headerBlock([['x-more', 'a'.repeat(8_000)]]));
  const parts = Array.from({ length: 20_000 }, () => more);
  await whileOthersCall(
    t,
    attack.flood(socket, parts).then(() => attack.closed(socket)),
  );
  assert.ok(process.memoryUsage().rss - before < 200 * 1_048_576);
});

for (const [what, part] of [
  ['pings', frame(attack.PING, 0, 0, Buffer.alloc(8))],
  ['settings', frame(attack.SETTINGS, 0, 0)],
  ['empty data', frame(attack.DATA, 0, 1)],
  ['priorities', frame(attack.PRIORITY, 0, 3, Buffer.from([0, 0, 0, 0, 1]))],
  ['credits', frame(attack.CREDIT, 0, 0, Buffer.from([0, 0, 0, 1]))],
] as const) {
  test(`a flood of ${what} keeps nobody else waiting`, { timeout: 60_000 }, async (t) => {
    const before = process.memoryUsage().rss;
    const socket = open(
      run.plane.port,
      opening,
      frame(attack.HEADERS, attack.END_HEADERS, 1, attack.callHeaders(path)),
    );
    const many = Buffer.concat(Array.from({ length: 500 }, () => part));
    await whileOthersCall(
      t,
      attack.flood(
        socket,
        Array.from({ length: 200 }, () => many),
      ),
    );
    socket.destroy();
    assert.ok(process.memoryUsage().rss - before < 200 * 1_048_576);
  });
}

const malformed: readonly (readonly [what: string, ...parts: readonly Buffer[]])[] = [
  ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')],
  ['a TLS hello', Buffer.from('16030100a5010000a10303', 'hex')],
  ['another preface', Buffer.from('PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n')],
  ['noise', Buffer.from(Array.from({ length: 4_096 }, (_, at) => (at * 197 + 31) & 255))],
  ['noise behind the preface', opening, Buffer.from(Array.from({ length: 4_096 }, (_, at) => (at * 197 + 31) & 255))],
  ['a frame of 16 MiB', opening, frame(attack.DATA, 0, 1, '', 0xffffff)],
  ['data on no stream', opening, frame(attack.DATA, 0, 0, 'a')],
  ['data on a stream that is not open', opening, frame(attack.DATA, 0, 7, 'a')],
  ['headers on an even stream', opening, frame(attack.HEADERS, attack.END_HEADERS, 2, attack.callHeaders(path))],
  ['headers that cannot be unpacked', opening, frame(attack.HEADERS, attack.END_HEADERS, 1, Buffer.alloc(64, 0xff))],
  ['a reset of no stream', opening, frame(attack.RST_STREAM, 0, 0, Buffer.alloc(4))],
  ['a reset that breaks off', opening, frame(attack.RST_STREAM, 0, 1, 'a')],
  ['settings of 5 bytes', opening, frame(attack.SETTINGS, 0, 0, 'abcde')],
  ['settings on a stream', opening, frame(attack.SETTINGS, 0, 1)],
  ['a ping of 3 bytes', opening, frame(attack.PING, 0, 0, 'abc')],
  ['a credit that overflows', opening, frame(attack.CREDIT, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]))],
  ['a credit of nothing', opening, frame(attack.CREDIT, 0, 0, Buffer.alloc(4))],
  ['a push', opening, frame(attack.PUSH_PROMISE, attack.END_HEADERS, 1, Buffer.alloc(8))],
  ['a continuation of nothing', opening, frame(attack.CONTINUATION, attack.END_HEADERS, 1, 'a')],
  ['padding beyond the frame', opening, frame(attack.HEADERS, attack.END_HEADERS | 8, 1, Buffer.from([255, 0]))],
  [
    'a first table size of four gigabytes',
    opening,
    frame(attack.HEADERS, attack.END_HEADERS, 1, Buffer.from([0x3f, 0xff, 0xff, 0xff, 0xff, 0x0f])),
  ],
];
for (const [what, ...parts] of malformed) {
  test(`malformed: ${what} ends its own connection and no other`, { timeout: 20_000 }, async (t) => {
    const socket = open(run.plane.port, ...parts);
    await whileOthersCall(t, attack.closed(socket));
  });
}

test(
  'connections that say nothing, or never come to the end of their first words, are ended',
  { timeout: 60_000 },
  async (t) => {
    pace = 20;
    const silent = Array.from({ length: 100 }, () => open(run.plane.port));
    const slow = open(run.plane.port);
    const half = open(run.plane.port, opening, frame(attack.HEADERS, 0, 1, attack.callHeaders(path)));
    let at = 0;
    const drip = setInterval(() => slow.write(attack.PREFACE.subarray(at % 24, (at++ % 24) + 1)), 100);
    await whileOthersCall(t, Promise.all([...silent, slow, half].map(attack.closed)));
    clearInterval(drip);
    assert.ok(at <= attack.PREFACE.length, 'it was waited for to the end');
  },
);

test(
  'who asks for a lot and reads nothing loses the connection, and memory stays bounded',
  { timeout: 60_000 },
  async (t) => {
    pace = 20;
    const before = process.memoryUsage().rss;
    const page = grpc(encode('ListEndpoints', { parent: 'tenants/acme', page_size: 500 }));
    const headers = attack.callHeaders(pathOf('ListEndpoints'), authorized);
    const over = Array.from({ length: 4 }, () => {
      const socket = open(run.plane.port, opening, attack.noCredit);
      for (let stream = 1; stream < 2 * serverLimits.concurrentStreamsMax; stream += 2) {
        socket.write(frame(attack.HEADERS, attack.END_HEADERS, stream, headers));
        socket.write(frame(attack.DATA, 1, stream, page));
      }
      return attack.closed(socket);
    });
    let most = 0;
    const watching = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
    await whileOthersCall(t, Promise.all(over));
    clearInterval(watching);
    const grown = most - before;
    t.diagnostic(`400 pages that nobody read: memory grew by ${(grown / 1_048_576).toFixed(0)} MiB at most`);
    assert.ok(grown < 450 * 1_048_576, `${grown}`);
  },
);

test('after all of that the server serves as before', async () => {
  const metadata = new Metadata();
  assert.equal((await failure(others.call('ListTenants', Buffer.alloc(0), metadata))).code, 'UNAUTHENTICATED');
  assert.ok((await others.call('ListTenants', Buffer.alloc(0))).length > 0);
  assert.deepEqual(faults, []);
});
