/** Over real sockets of loopback, with clients that misbehave. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startPage, type PageLimits } from './page.ts';

const document = () => ({ body: '{"a":1}\n', etag: '"one"', lastModified: new Date(0), maxAgeS: 60 });
const limits = { connectionsMax: 4, requestMs: 30_000, headerBytesMax: 2_048 };
const impatient = { ...limits, requestMs: 1_500 };
const open = (limits: PageLimits) =>
  startPage({ host: '127.0.0.1', port: 0, portVariable: 'POSTRIDER_PORT', path: '/page.json', document, limits });

/** What comes back when this is sent, until the other side ends. */
async function answerTo(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.write(text);
  await once(socket, 'close');
  return Buffer.concat(parts).toString();
}

test('the page is there for GET and HEAD, is kept by its ETag, and is the only one', async () => {
  await using page = await open(limits);
  const get = (headers: Record<string, string> = {}, method = 'GET', path = '/page.json') =>
    fetch(`http://127.0.0.1:${page.port}${path}`, { headers, method });
  const first = await get();
  assert.deepEqual([first.status, await first.text()], [200, '{"a":1}\n']);
  assert.equal(first.headers.get('cache-control'), 'public, max-age=60');
  for (const given of ['"one"', 'W/"one"', '"other", "one"', '*']) {
    const again = await get({ 'if-none-match': given });
    assert.deepEqual([again.status, await again.text()], [304, '']);
  }
  assert.equal((await get({ 'if-none-match': '"other"' })).status, 200);
  const head = await get({}, 'HEAD');
  assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '8', '']);
  for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await get({}, method)).status, 405);
  for (const path of ['/', '/metrics', '/page.json/']) assert.equal((await get({}, 'GET', path)).status, 404);
});

test('a port that is taken is told with its variable', async () => {
  await using page = await open(limits);
  const again = startPage({
    ...{ host: '127.0.0.1', port: page.port, portVariable: 'POSTRIDER_PORT', path: '/p', document, limits },
  });
  await assert.rejects(again, new RegExp(`port ${page.port} for /p .*POSTRIDER_PORT`));
});

test('who sends slowly, too much, or nonsense is let go, and others are served', { timeout: 20_000 }, async () => {
  await using page = await open(impatient);
  const drip = answerTo(page.port, 'GET /page.json HTTP/1.1\r\nhost: a\r\nx-drip: ');
  assert.match(
    await answerTo(page.port, `GET /page.json HTTP/1.1\r\nx-big: ${'a'.repeat(4_096)}\r\n\r\n`),
    /^HTTP\/1.1 431/,
  );
  for (const nonsense of ['\u0016\u0003\u0001\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET\r\n\r\n'])
    assert.match(await answerTo(page.port, nonsense), /^(?:HTTP\/1.1 400|$)/);
  assert.match(await drip, /^(?:HTTP\/1.1 408|$)/);
  // As many as may be connected, who say nothing: the next is served once they are let go.
  const silent = Array.from({ length: limits.connectionsMax }, () => answerTo(page.port, ''));
  await Promise.all(silent);
  assert.equal((await fetch(`http://127.0.0.1:${page.port}/page.json`)).status, 200);
});
