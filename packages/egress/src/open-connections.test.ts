/** What a connection that stays open keeps alive. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveBytes } from '../../../test/bench/live-bytes.ts';
import { letThrough, scriptedProxy } from '../testing/scripted-proxy.ts';
import { answering, openEgress, requestTo } from '../testing/support.ts';
import { identity, tlsFile, tlsReceiver } from '../testing/tls-receivers.ts';
import { parsePools, type Egress } from './index.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

/** Sends a request that opens a connection, and lets go of all of it: what is left of its body, and of who was to be told. */
async function sendAndForget(egress: Egress, origin: string, more: object = {}): Promise<WeakRef<object>[]> {
  const sent: WeakRef<object>[] = [];
  await new Promise<void>((resolve, reject) => {
    const body = Buffer.allocUnsafeSlow(70_000).fill('b');
    const told = (result: { readonly kind: string }): void =>
      result.kind === 'response' ? resolve() : reject(new Error('no answer'));
    sent.push(new WeakRef(body), new WeakRef(told));
    egress.send(requestTo(origin, { ...more, body }), told);
  });
  return sent;
}

/** The request is gone, and its connection is not. */
async function assertForgotten(egress: Egress, sent: readonly WeakRef<object>[]): Promise<void> {
  await liveBytes();
  const kept = sent.map((one) => one.deref() !== undefined);
  assert.deepEqual([egress.connections(), ...kept], [1, false, false]);
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
