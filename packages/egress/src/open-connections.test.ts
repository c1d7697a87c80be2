/** What a connection that stays open keeps alive. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveBytes } from '../../../test/bench/live-bytes.ts';
import { letThrough, scriptedProxy } from '../testing/scripted-proxy.ts';
import { answering, openEgress, requestTo } from '../testing/support.ts';
import { identity, tlsFile, tlsReceiver } from '../testing/tls-receivers.ts';
import { parsePools, type Egress } from './index.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

/** Sends a request that opens a connection, and lets go of it: its body, and who was to be told, as far as they are kept. */
async function sendAndForget(egress: Egress, origin: string, more: object = {}): Promise<WeakRef<object>[]> {
  const sent: WeakRef<object>[] = [];
  await new Promise<void>((resolve) => {
    const body = Buffer.allocUnsafeSlow(70_000).fill('b');
    const told = (): void => resolve();
    sent.push(new WeakRef(body), new WeakRef(told));
    egress.send(requestTo(origin, { ...more, body }), told);
  });
  return sent;
}

/** The request is gone, and its connection is not. */
async function assertForgotten(egress: Egress, sent: readonly WeakRef<object>[]): Promise<void> {
  assert.equal(egress.connections(), 1);
  await assertGone(sent);
}

async function assertGone(sent: readonly WeakRef<object>[]): Promise<void> {
  await liveBytes();
  assert.deepEqual(
    sent.map((one) => one.deref() !== undefined),
    [false, false],
  );
}

test('an open connection keeps nothing of the request that opened it', async () => {
  await using endpoint = await answering(ok);
  await using egress = openEgress();
  await assertForgotten(egress, await sendAndForget(egress, endpoint.origin));
});

test('nor does one over TLS', async () => {
  await using receiver = await tlsReceiver(identity('hook'));
  await using egress = openEgress({ ca: [tlsFile('ca.pem')], resolve: async () => ['127.0.0.1'] });
  await assertForgotten(egress, await sendAndForget(egress, `https://hook.example.com:${receiver.port}`));
});

test('nor one through a proxy', async () => {
  await using endpoint = await answering(ok);
  await using proxy = await scriptedProxy(letThrough);
  const p = { kind: 'proxy', proxyUrl: `http://127.0.0.1:${proxy.port}` };
  await using egress = openEgress({ pools: parsePools(JSON.stringify({ p }), () => '') });
  await assertForgotten(egress, await sendAndForget(egress, endpoint.origin, { pool: 'p' }));
});

test('nor one that is still being made when the time of its request is over', async () => {
  const asked: string[] = [];
  const resolve = (name: string): Promise<never> => {
    asked.push(name);
    return new Promise(() => {});
  };
  await using egress = openEgress({ resolve, limits: { totalMinMs: 50 } });
  const sent = await sendAndForget(egress, 'https://hook.example.com', { totalDeadlineMs: 50 });
  assert.deepEqual(asked, ['hook.example.com']);
  await assertGone(sent);
});
