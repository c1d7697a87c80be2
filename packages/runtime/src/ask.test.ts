/** Questions over HTTP. Double: who is asked, on loopback. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { test } from 'node:test';
import { ask, NoAnswerError } from './ask.ts';

async function asked(answer: RequestListener, timeoutMs = 2_000) {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  try {
    const url = new URL(`http://127.0.0.1:${port}/hidden?token=canary`);
    return await ask({ method: 'GET', url, headers: {}, bytesMax: 10, timeoutMs, alone: true });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('the whole answer is read, also one that refuses or leads elsewhere', async () => {
  assert.deepEqual(await asked((_, answer) => void answer.end('1234567890')), { status: 200, body: '1234567890' });
  const moved = await asked((_, answer) => void answer.writeHead(302, { location: 'http://127.0.0.1:1/' }).end());
  assert.deepEqual(moved, { status: 302, body: '' });
});

const failures: readonly (readonly [string, RequestListener, RegExp])[] = [
  ['is too large', (_, answer) => void answer.end('12345678901'), /answers more than 10 bytes/],
  ['never ends', (_, answer) => void answer.write('1'), /did not answer within 200 ms/],
  ['never comes', () => undefined, /did not answer within 200 ms/],
  [
    'breaks off',
    (request, answer) =>
      void answer.writeHead(200, { 'content-length': '9' }).write('1', () => request.socket.destroy()),
    /broke off|ECONNRESET/,
  ],
];
for (const [what, answer, words] of failures) {
  test(`an answer that ${what} is none, and only the host is named`, async () => {
    const error: unknown = await asked(answer, 200).catch((caught: unknown) => caught);
    assert.ok(error instanceof NoAnswerError);
    assert.match(error.message, words);
    assert.match(error.message, /^127\.0\.0\.1:\d+ /);
    assert.ok(!error.message.includes('canary'));
  });
}

test('nobody listens: told by its code', async () => {
  const question = { method: 'GET', url: new URL('http://127.0.0.1:1/'), headers: {}, bytesMax: 1, timeoutMs: 2_000 };
  await assert.rejects(ask({ ...question, method: 'GET' }), { name: 'NoAnswerError', code: 'ECONNREFUSED' });
});
