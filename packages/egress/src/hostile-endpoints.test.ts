/** What endpoints may do over several requests, or many of them at once; each alone is in `hostile-responses.test.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { answering, onRequest, openEgress, rawEndpoint, requestTo, sendOne } from '../testing/support.ts';
import type { EgressResult } from './index.ts';

const ok = 'HTTP/1.1 200 OK\r\n';
const okEmpty = `${ok}content-length: 0\r\n\r\n`;
/** How late a busy machine may be with what a limit ends. */
const latenessMs = 3_000;

const shown = (result: EgressResult): string =>
  result.kind === 'failure' ? result.code : `${result.status}${result.bodyTruncated ? ' truncated' : ''}`;

test('interim answers before the real one decide nothing', async () => {
  await using endpoint = await answering(`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${okEmpty}`);
  await using egress = openEgress();
  assert.equal(shown(await sendOne(egress, requestTo(endpoint.origin))), '200');
});

test('an interim answer gives time until the total deadline, silence does not', async () => {
  await using hinting = await answering('HTTP/1.1 103 Early Hints\r\n\r\n');
  await using silent = await rawEndpoint(() => {});
  await using egress = openEgress({ limits: { headersMs: 1_500, totalMinMs: 100 } });
  const send = (origin: string, totalDeadlineMs: number) =>
    sendOne(egress, requestTo(origin, { totalDeadlineMs, poolKey: origin }));
  const [hinted, not] = await Promise.all([send(hinting.origin, 2_500), send(silent.origin, 60_000)]);
  assert.deepEqual([hinted, not].map(shown), ['total_timeout', 'headers_timeout']);
});

test('a compressed body is kept as it came', async () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000));
  const head = `${ok}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`;
  await using endpoint = await answering(head + bomb.toString('latin1'));
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

test('an answer that comes before all of the request is sent leaves no connection for the next one', async () => {
  await using endpoint = await rawEndpoint((socket) =>
    socket.once('data', () => {
      socket.pause();
      socket.write(okEmpty);
    }),
  );
  await using egress = openEgress();
  const request = requestTo(endpoint.origin, { body: Buffer.alloc(32 * 1_024 * 1_024) });
  for (let index = 0; index < 2; index++) assert.equal(shown(await sendOne(egress, request)), '200');
  assert.equal(endpoint.accepts(), 2);
});

test('a connection that the endpoint closes is not kept, nor one that is unused for too long', async () => {
  await using closing = await rawEndpoint((socket) => onRequest(socket, () => socket.end(okEmpty)));
  await using endpoint = await answering(okEmpty);
  await using egress = openEgress({ limits: { idleSocketMs: 1_100 } });
  for (const { origin } of [closing, endpoint]) await sendOne(egress, requestTo(origin, { poolKey: origin }));
  await Promise.all([closing.untilClosed(), endpoint.untilClosed()]);
  while (egress.connections() > 0) await new Promise((resolve) => void setImmediate(resolve));
});

test('200 endpoints that drip at once end at their deadlines and hold up nobody', async () => {
  await using hostile = await rawEndpoint((socket) =>
    onRequest(socket, () => {
      socket.write(`${ok}content-length: 9999\r\n\r\n`);
      const timer = setInterval(() => socket.write('a'), 50);
      socket.on('close', () => clearInterval(timer));
    }),
  );
  await using good = await answering(okEmpty);
  // Long enough for a busy machine to open them all, so that it is the dripping that ends them.
  const totalDeadlineMs = 3_000;
  await using egress = openEgress({ limits: { totalMinMs: 100 } });
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
