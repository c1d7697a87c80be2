import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { onRequest } from './support.ts';

/** What an endpoint does on one connection, raw. */
export type Behaviour = (socket: Socket) => void;

const ok = 'HTTP/1.1 200 OK\r\n';
const okEmpty = `${ok}content-length: 0\r\n\r\n`;
/** 200 kB that inflate to 200 MB. */
const bomb = gzipSync(Buffer.alloc(200_000_000));

const answer =
  (bytes: string | Buffer): Behaviour =>
  (socket) =>
    onRequest(socket, () => socket.write(bytes));
const answerThenEnd =
  (bytes: string): Behaviour =>
  (socket) =>
    onRequest(socket, () => socket.end(bytes));
const withHeaders = (lines: string): Behaviour => answer(`${ok}${lines}content-length: 0\r\n\r\n`);
const withStatus = (line: string, lines = ''): Behaviour =>
  answer(`HTTP/1.1 ${line}\r\n${lines}content-length: 0\r\n\r\n`);

/** Writes `first`, then `piece` every `everyMs` for ever. */
const drip =
  (first: string, piece: string, everyMs: number): Behaviour =>
  (socket) =>
    onRequest(socket, () => {
      socket.write(first);
      const timer = setInterval(() => socket.write(piece), everyMs);
      socket.on('close', () => clearInterval(timer));
    });

/** Writes `first`, then `piece` for ever, as fast as the socket takes it. */
const flood =
  (first: string, piece: string): Behaviour =>
  (socket) =>
    onRequest(socket, () => {
      const write = (): void => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.on('drain', write);
      socket.write(first);
      write();
    });

/** Answers to the first bytes of a request, and goes on reading: whether a connection is reused depends on how fast. */
export const early413: Behaviour = (socket) =>
  socket.on('data', (chunk: Buffer) => {
    if (chunk.includes('POST /')) socket.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n');
  });

/** What is beyond doubt well framed, so that the connection may carry the next request. */
export const reusable: Readonly<Record<string, Behaviour>> = {
  'encodings-1000': answer(`${ok}content-encoding: ${'gzip,'.repeat(1_000)}br\r\ncontent-length: 1\r\n\r\na`),
  'status-999': withStatus('999 X'),
  'not-modified': answer('HTTP/1.1 304 Not Modified\r\n\r\n'),
  redirect: withStatus('302 Found', 'location: http://169.254.169.254/latest/meta-data/\r\n'),
  'no-reason': withStatus('200'),
  'header-8bit': answer(Buffer.from(`${ok}x-bytes: a\x80\xff\r\ncontent-length: 0\r\n\r\n`, 'latin1')),
  'header-proto': withHeaders('__proto__: x\r\nconstructor: y\r\n'),
  'cookies-900': withHeaders('Set-Cookie: a=b\r\n'.repeat(900)),
  gone: withStatus('410 Gone'),
  throttled: withStatus('429 Too Many Requests', 'retry-after: 30\r\n'),
  'retry-after-junk': withStatus('503 No', 'retry-after: 99999999999999999999\r\n'),
};

/** After these the connection must be closed. */
const notReusable: Readonly<Record<string, Behaviour>> = {
  'early-hints-flood': flood('', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(500)),
  'continue-flood': flood('', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(500)),
  'switching-protocols': answer('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'),
  'headers-20k': withHeaders(`x: ${'a'.repeat(20_000)}\r\n`),
  'headers-endless': flood(ok, 'x-a: b\r\n'.repeat(100)),
  'trailers-endless': flood(`${ok}transfer-encoding: chunked\r\n\r\n0\r\n`, 'x-a: b\r\n'.repeat(100)),
  'chunked-endless': flood(`${ok}transfer-encoding: chunked\r\n\r\n`, `1000\r\n${'a'.repeat(4_096)}\r\n`),
  'no-length-endless': flood(`${ok}\r\n`, 'a'.repeat(4_096)),
  'chunk-extensions': flood(`${ok}transfer-encoding: chunked\r\n\r\n1;`, 'a'.repeat(4_096)),
  'gzip-bomb': answer(
    Buffer.concat([Buffer.from(`${ok}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`), bomb]),
  ),
  'length-short': answerThenEnd(`${ok}content-length: 100\r\n\r\n0123456789`),
  'length-negative': answer(`${ok}content-length: -1\r\n\r\n`),
  'length-huge': answer(`${ok}content-length: 99999999999999999999\r\n\r\n`),
  'length-double': answer(`${ok}content-length: 1\r\ncontent-length: 2\r\n\r\nab`),
  'length-and-chunked': answer(`${ok}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
  'te-bad': answerThenEnd(`${ok}transfer-encoding: chunked, identity, x\r\n\r\n0\r\n\r\n`),
  'lf-only': answer('HTTP/1.1 200 OK\ncontent-length: 0\n\n'),
  'http-0.9': answerThenEnd('<html>hello</html>'),
  'ssh-banner': answer('SSH-2.0-OpenSSH_9.6\r\n'),
  'h2-preface': answer(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])),
  'obs-fold': withHeaders('x-folded: a\r\n b\r\n'),
  'space-before-colon': answer(`${ok}Content-Length : 0\r\n\r\n`),
  'nul-in-header': withHeaders('x: a\0b\r\n'),
  'status-000': withStatus('000 X'),
  'status-99': withStatus('99 X'),
  'status-2000': withStatus('2000 OK'),
  'no-content-with-body': answer('HTTP/1.1 204 No Content\r\n\r\nhello'),
  'http-1.0': answerThenEnd('HTTP/1.0 200 OK\r\n\r\nhello'),
  'reset-after-request': (socket) => onRequest(socket, () => socket.resetAndDestroy()),
  'fin-before-head': answerThenEnd(''),
  'reset-mid-body': (socket) =>
    onRequest(socket, () =>
      socket.write(`${ok}content-length: 100\r\n\r\n${'a'.repeat(50)}`, () =>
        setImmediate(() => socket.resetAndDestroy()),
      ),
    ),
  'bytes-after-response': answer(`${okEmpty}${ok}content-length: 6\r\n\r\nforged`),
  'early-200-close': (socket) => socket.once('data', () => socket.end(okEmpty)),
  'reset-on-accept': (socket) => socket.resetAndDestroy(),
};

/** Those that nothing but a limit ends. */
export const endless: Readonly<Record<string, Behaviour>> = {
  silent: () => {},
  'drip-header-line': drip(ok, 'x-a: b\r\n', 1_000),
  'drip-header-byte': drip(`${ok}x-a: `, 'a', 200),
  'drip-body-after-200': drip(`${ok}content-length: 9999\r\n\r\n`, 'a', 500),
  'drip-body-after-500': drip('HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\na\r\n', 500),
  'early-hints-slow': drip('', 'HTTP/1.1 103 Early Hints\r\n\r\n', 200),
};

/** Every behaviour on a plain connection, by the id of its row in `testdata/hostile-responses.json`. */
export const behaviours: Readonly<Record<string, Behaviour>> = {
  ...reusable,
  ...notReusable,
  ...endless,
  'early-413': early413,
};
