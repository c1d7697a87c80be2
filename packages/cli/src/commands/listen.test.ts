import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { startListener, type ReceivedRequest } from '../listener.ts';
import { cli } from '../test-context.ts';

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

function post(port: number, id: string, signWith: string, body = '{"a":1}'): Promise<Response> {
  const now = new Date();
  return fetch(`http://127.0.0.1:${port}/hook`, {
    method: 'POST',
    body,
    headers: {
      'webhook-id': id,
      'x-team': 'a',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': new Webhook(signWith).sign(id, now, body),
    },
  });
}

test('a listener verifies with the official verifier and plays the bad customer', async () => {
  const seen: ReceivedRequest[] = [];
  await using listener = await startListener({
    host: '127.0.0.1',
    port: 0,
    secret,
    status: 204,
    delayMs: 0,
    failFirst: 1,
    onRequest: (request) => seen.push(request),
  });
  assert.equal((await post(listener.port, 'msg_1', secret)).status, 500);
  assert.equal((await post(listener.port, 'msg_1', secret)).status, 204);
  assert.equal((await post(listener.port, 'msg_2', `whsec_${Buffer.alloc(24, 8).toString('base64')}`)).status, 500);
  assert.deepEqual(
    seen.map((request) => request.signature.split(':')[0]),
    ['valid', 'valid', 'INVALID'],
  );
});

test('postrider listen --count ends by itself; a wrong signature makes it exit code 1', async () => {
  for (const [signWith, exitCode] of [
    [secret, 0],
    [`whsec_${Buffer.alloc(24, 8).toString('base64')}`, 1],
  ] as const) {
    const { promise: port, resolve } = Promise.withResolvers<number>();
    const running = cli(['listen', '--port', '0', '--secret', secret, '--count', '1'], {
      onOut: (text) => {
        const found = /:(\d+) \(Ctrl-C/.exec(text)?.[1];
        if (found !== undefined) resolve(Number(found));
      },
    });
    await post(await port, 'msg_1', signWith);
    const run = await running;
    assert.equal(run.exitCode, exitCode, run.err);
    assert.match(run.out, /^ {2}x-team: a$/m);
    assert.doesNotMatch(run.out, /^ {2}host: /m);
  }
});

test('Ctrl-C ends listening with exit code 0', async () => {
  const stop = new AbortController();
  const run = await cli(['listen', '--port', '0'], { signal: stop.signal, onOut: () => stop.abort() });
  assert.equal(run.exitCode, 0);
});

test('a request that breaks off in the middle is passed over, and the next one is received', async () => {
  const seen: ReceivedRequest[] = [];
  const options = { host: '127.0.0.1', port: 0, status: 200, delayMs: 0, failFirst: 0 };
  await using listener = await startListener({ ...options, onRequest: (request) => seen.push(request) });
  const broken = connect(listener.port, '127.0.0.1');
  broken.write('POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\nbeg');
  // The interim answer shows that the request has begun.
  await once(broken, 'data');
  broken.destroy();
  await once(broken, 'close');
  assert.equal((await post(listener.port, 'msg_1', secret)).status, 200);
  assert.deepEqual(
    seen.map(({ headers }) => headers['webhook-id']),
    ['msg_1'],
  );
});

test('what cannot be a port, a status or a delay is wrong usage', async () => {
  for (const wrong of [
    ['--port', '65536'],
    ['--status', '1000'],
    ['--status', '100'],
    ['--delay', '30d'],
  ]) {
    const stop = AbortSignal.abort();
    const run = await cli(['listen', '--port', '0', ...wrong], { signal: stop });
    assert.equal(run.exitCode, 2, `${wrong.join(' ')}: ${run.err}`);
  }
});
