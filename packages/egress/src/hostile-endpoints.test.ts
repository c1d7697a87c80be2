/**
 * What an endpoint may do, played on raw sockets of loopback, and what the result must be. The limits are shortened so
 * that every row ends within a second; the rules are those of the default limits.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { onRequest, openEgress, rawEndpoint, requestTo, sendOne } from '../testing/support.ts';
import type { EgressResult } from './index.ts';

const hurried = { limits: { connectMs: 300, headersMs: 300, totalMinMs: 100 }, totalDeadlineMs: 700 };
/** For rows that end by themselves: no limit may come first, however busy the machine is. */
const patient = { limits: { connectMs: 10_000, headersMs: 10_000, totalMinMs: 100 }, totalDeadlineMs: 20_000 };
/** How late a busy machine may be with what a limit ends. */
const latenessMs = 3_000;

type Behaviour = (socket: Socket) => void;

interface Row {
  readonly name: string;
  readonly behave: Behaviour;
  /** `status`, `status truncated`, or the code of a failure. */
  readonly expect: string | readonly string[];
}

const answer =
  (bytes: string | Buffer): Behaviour =>
  (socket) =>
    onRequest(socket, () => socket.write(bytes));
const answerThenEnd =
  (bytes: string): Behaviour =>
  (socket) =>
    onRequest(socket, () => socket.end(bytes));
/** Writes `first`, then `piece` again and again: every `everyMs`, or as fast as the socket takes it. */
const drip =
  (first: string, piece: string, everyMs: number): Behaviour =>
  (socket) =>
    onRequest(socket, () => {
      socket.write(first);
      if (everyMs > 0) {
        const timer = setInterval(() => socket.write(piece), everyMs);
        socket.on('close', () => clearInterval(timer));
        return;
      }
      const flood = (): void => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.on('drain', flood);
      flood();
    });

const ok = 'HTTP/1.1 200 OK\r\n';
const bomb = gzipSync(Buffer.alloc(20_000_000));

const rows: readonly Row[] = [
  { name: 'silent', behave: () => {}, expect: 'headers_timeout' },
  { name: 'drip-header-line', behave: drip(ok, 'x-a: b\r\n', 50), expect: 'headers_timeout' },
  { name: 'drip-header-byte', behave: drip(`${ok}x-a: `, 'a', 50), expect: 'headers_timeout' },
  { name: 'drip-body-after-200', behave: drip(`${ok}content-length: 9999\r\n\r\n`, 'a', 50), expect: '200 truncated' },
  {
    name: 'drip-body-after-500',
    behave: drip('HTTP/1.1 500 No\r\ncontent-length: 9999\r\n\r\n', 'a', 50),
    expect: '500 truncated',
  },
  { name: 'early-hints-slow', behave: drip('', 'HTTP/1.1 103 Early Hints\r\n\r\n', 50), expect: 'total_timeout' },
  {
    name: 'early-hints-flood',
    behave: drip('', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(500), 0),
    expect: 'protocol_error',
  },
  {
    name: 'early-hints-then-200',
    behave: answer(`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${ok}content-length: 0\r\n\r\n`),
    expect: '200',
  },
  { name: 'continue-flood', behave: drip('', 'HTTP/1.1 100 Continue\r\n\r\n', 0), expect: 'protocol_error' },
  {
    name: 'switching-protocols',
    behave: answer('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'),
    expect: 'protocol_error',
  },
  {
    name: 'headers-20k',
    behave: answer(`${ok}x: ${'a'.repeat(20_000)}\r\ncontent-length: 0\r\n\r\n`),
    expect: 'headers_too_large',
  },
  { name: 'headers-endless', behave: drip(ok, 'x-a: b\r\n'.repeat(100), 0), expect: 'headers_too_large' },
  {
    name: 'trailers-endless',
    behave: drip(`${ok}transfer-encoding: chunked\r\n\r\n0\r\n`, 'x-a: b\r\n'.repeat(100), 0),
    expect: '200 truncated',
  },
  {
    name: 'chunked-endless',
    behave: drip(`${ok}transfer-encoding: chunked\r\n\r\n`, `1000\r\n${'a'.repeat(4096)}\r\n`, 0),
    expect: '200 truncated',
  },
  { name: 'no-length-endless', behave: drip(`${ok}\r\n`, 'a'.repeat(4096), 0), expect: '200 truncated' },
  {
    name: 'chunk-extensions',
    behave: drip(`${ok}transfer-encoding: chunked\r\n\r\n1;`, 'a'.repeat(4096), 0),
    expect: '200 truncated',
  },
  {
    name: 'gzip-bomb',
    behave: answer(
      Buffer.concat([Buffer.from(`${ok}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`), bomb]),
    ),
    expect: ['200'],
  },
  {
    name: 'encodings-1000',
    behave: answer(`${ok}content-encoding: ${'gzip,'.repeat(1000)}br\r\ncontent-length: 1\r\n\r\na`),
    expect: '200',
  },
  {
    name: 'length-short',
    behave: answerThenEnd(`${ok}content-length: 100\r\n\r\n0123456789`),
    expect: '200 truncated',
  },
  { name: 'length-negative', behave: answer(`${ok}content-length: -1\r\n\r\n`), expect: 'protocol_error' },
  {
    name: 'length-huge',
    behave: answer(`${ok}content-length: 99999999999999999999\r\n\r\n`),
    expect: ['protocol_error', '200 truncated'],
  },
  {
    name: 'length-double',
    behave: answer(`${ok}content-length: 1\r\ncontent-length: 2\r\n\r\nab`),
    expect: 'protocol_error',
  },
  {
    name: 'length-and-chunked',
    behave: answer(`${ok}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
    expect: 'protocol_error',
  },
  { name: 'lf-only', behave: answer('HTTP/1.1 200 OK\ncontent-length: 0\n\n'), expect: ['protocol_error', '200'] },
  { name: 'http-0.9', behave: answerThenEnd('<html>hello</html>'), expect: 'protocol_error' },
  {
    name: 'ssh-banner',
    behave: (socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
    expect: ['protocol_error', 'connection_reset', 'connection_closed'],
  },
  { name: 'h2-preface', behave: answer(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])), expect: 'protocol_error' },
  { name: 'space-before-colon', behave: answer(`${ok}Content-Length : 0\r\n\r\n`), expect: 'protocol_error' },
  { name: 'nul-in-header', behave: answer(`${ok}x: a\0b\r\ncontent-length: 0\r\n\r\n`), expect: 'protocol_error' },
  { name: 'status-000', behave: answer('HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n'), expect: 'protocol_error' },
  { name: 'status-99', behave: answer('HTTP/1.1 99 X\r\ncontent-length: 0\r\n\r\n'), expect: 'protocol_error' },
  { name: 'status-2000', behave: answer('HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n'), expect: 'protocol_error' },
  { name: 'status-999', behave: answer('HTTP/1.1 999 X\r\ncontent-length: 0\r\n\r\n'), expect: '999' },
  { name: 'no-content-with-body', behave: answer('HTTP/1.1 204 No\r\ncontent-length: 5\r\n\r\nhello'), expect: '204' },
  {
    name: 'redirect',
    behave: answer('HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n'),
    expect: '302',
  },
  { name: 'http-1.0', behave: answerThenEnd('HTTP/1.0 200 OK\r\n\r\nhello'), expect: '200' },
  { name: 'no-reason', behave: answer('HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n'), expect: '200' },
  {
    name: 'reset-after-request',
    behave: (socket) => onRequest(socket, () => socket.resetAndDestroy()),
    expect: 'connection_reset',
  },
  { name: 'fin-before-head', behave: answerThenEnd(''), expect: 'connection_closed' },
  { name: 'reset-on-accept', behave: (socket) => socket.resetAndDestroy(), expect: 'connection_reset' },
  {
    name: 'reset-mid-body',
    behave: (socket) =>
      onRequest(socket, () =>
        socket.write(`${ok}content-length: 100\r\n\r\nhalf`, () => setImmediate(() => socket.resetAndDestroy())),
      ),
    expect: '200 truncated',
  },
  {
    name: 'early-200-close',
    behave: (socket) => socket.once('data', () => socket.end(`${ok}content-length: 0\r\nconnection: close\r\n\r\n`)),
    expect: '200',
  },
  {
    name: 'header-proto',
    behave: answer(`${ok}__proto__: x\r\nconstructor: y\r\ncontent-length: 0\r\n\r\n`),
    expect: '200',
  },
  {
    name: 'retry-after-junk',
    behave: answer('HTTP/1.1 503 X\r\nretry-after: 99999999999999999999\r\ncontent-length: 0\r\n\r\n'),
    expect: '503',
  },
];

const shown = (result: EgressResult): string =>
  result.kind === 'failure' ? result.code : `${result.status}${result.bodyTruncated ? ' truncated' : ''}`;

for (const row of rows) {
  test(`${row.name} → ${String(row.expect)}, and the next request is unharmed`, async () => {
    await using hostile = await rawEndpoint(row.behave);
    await using good = await rawEndpoint(answer('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    const { limits, totalDeadlineMs } = /timeout|truncated/.test(String(row.expect)) ? hurried : patient;
    await using egress = openEgress({ limits });
    const before = process.memoryUsage.rss();
    const result = await sendOne(egress, requestTo(hostile.origin, { totalDeadlineMs }));
    assert.ok([row.expect].flat().includes(shown(result)), `${shown(result)}: ${JSON.stringify(result)}`);
    if (result.kind === 'failure') assert.equal(result.owner, 'endpoint');
    assert.ok(result.timings.totalMs < totalDeadlineMs + latenessMs, `took ${result.timings.totalMs} ms`);
    assert.ok(process.memoryUsage.rss() - before < 64 * 1024 * 1024, 'memory of both sides grew by more than 64 MiB');
    assert.equal(shown(await sendOne(egress, requestTo(good.origin, { poolKey: 'other' }))), '200');
    assert.equal(hostile.accepts() > 0, true);
  });
}

test('a compressed body is kept as it came', async () => {
  await using endpoint = await rawEndpoint(
    answer(Buffer.concat([Buffer.from(`${ok}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`), bomb])),
  );
  await using egress = openEgress();
  const result = await sendOne(egress, requestTo(endpoint.origin));
  assert.ok(result.kind === 'response');
  assert.deepEqual(result.excerpt, bomb.subarray(0, 4096));
});

test('a forged second answer is never taken for the answer to the next request', async () => {
  const forged = `${ok}content-length: 6\r\n\r\nforged`;
  await using endpoint = await rawEndpoint((socket) =>
    onRequest(socket, (_, number) => socket.write(`${ok}content-length: 4\r\n\r\nreal${number === 1 ? forged : ''}`)),
  );
  await using egress = openEgress();
  for (let repetition = 0; repetition < 3; repetition++) {
    const result = await sendOne(egress, requestTo(endpoint.origin, { maxSockets: 1 }));
    assert.ok(result.kind === 'failure' || result.excerpt.toString() === 'real', JSON.stringify(result));
  }
});

test('200 endpoints that drip at once end at their deadlines and hold up nobody', async () => {
  await using hostile = await rawEndpoint(drip(`${ok}content-length: 9999\r\n\r\n`, 'a', 50));
  await using good = await rawEndpoint(answer('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  const { totalDeadlineMs } = hurried;
  await using egress = openEgress({ limits: hurried.limits });
  const dripping = Array.from({ length: 200 }, (_, index) =>
    sendOne(egress, requestTo(hostile.origin, { totalDeadlineMs, poolKey: `hostile/${index}` })),
  );
  const fine = await sendOne(egress, requestTo(good.origin));
  assert.ok(fine.timings.totalMs < totalDeadlineMs, `${fine.timings.totalMs} ms`);
  for (const result of await Promise.all(dripping)) {
    assert.equal(shown(result), '200 truncated');
    assert.ok(result.timings.totalMs >= totalDeadlineMs && result.timings.totalMs < totalDeadlineMs + latenessMs);
  }
});
