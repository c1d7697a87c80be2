/** Whether pools stay closed until it is proven where their requests come from; over real sockets of loopback. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawEndpoint, onRequest, openEgress, requestTo, sendOne, type RawEndpoint } from '../../testing/support.ts';
import { parsePools, type Egress } from '../index.ts';

/** A page that answers with what `seen` says of the address that asks; null: not at all. */
async function echoPage(seen: (address: string) => string | null): Promise<RawEndpoint & { readonly asked: string[] }> {
  const asked: string[] = [];
  const page = await rawEndpoint((socket) =>
    onRequest(socket, (request) => {
      asked.push(request.split('\r\n')[0] ?? '');
      const text = seen(socket.remoteAddress ?? '');
      if (text === null) return socket.destroy();
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
    }),
  );
  return Object.assign(page, { asked });
}

const limits = { echoEveryMs: 20, echoAgainMs: 20 };
const open = (pool: object) =>
  openEgress({ limits, pools: parsePools(JSON.stringify({ p: pool }), () => assert.fail('no file is named')) });
const stateOf = (egress: Egress) => egress.pools.states().find(({ name }) => name === 'p');

/** Resolves once the pool is as it should be. */
function until(egress: Egress, holds: (state: ReturnType<typeof stateOf>) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => holds(stateOf(egress)) && resolve();
  const stop = egress.pools.onChange(look);
  look();
  return promise.finally(stop);
}

const addresses = { kind: 'addresses', localAddresses: ['127.0.0.2', '127.0.0.3'] };

test('nothing leaves before the page has seen a declared address', { timeout: 10_000 }, async () => {
  await using endpoint = await rawEndpoint((socket) =>
    onRequest(socket, () => socket.write('HTTP/1.1 204 OK\r\n\r\n')),
  );
  let answers = false;
  await using page = await echoPage((address) => (answers ? `${address}\n` : null));
  await using egress = open({ ...addresses, echoUrl: `${page.origin}/ip?plain` });
  const send = () => sendOne(egress, requestTo(endpoint.origin, { pool: 'p' }));
  const before = await send();
  assert.deepEqual(before.kind === 'failure' && [before.code, before.owner], ['pool_unavailable', 'ours']);
  const problem = 'its source address is not checked yet';
  assert.deepEqual(stateOf(egress)?.problems, [`127.0.0.2: ${problem}`, `127.0.0.3: ${problem}`]);
  answers = true;
  await until(egress, (state) => state?.problems.length === 0);
  assert.equal((await send()).kind, 'response');
  assert.equal(page.asked[0], 'GET /ip?plain HTTP/1.1');
  assert.equal(endpoint.accepts(), 1);
});

test(
  'a way that is seen as something else is closed, and its kept connections with it, until it is right again',
  { timeout: 10_000 },
  async () => {
    await using endpoint = await rawEndpoint((socket) =>
      onRequest(socket, () => socket.write('HTTP/1.1 204 OK\r\n\r\n')),
    );
    let seen: string | null = '192.0.2.7';
    await using page = await echoPage(() => seen);
    await using egress = open({ kind: 'nat', sourceAddresses: ['192.0.2.7', '2001:db8::7'], echoUrl: page.origin });
    await until(egress, (state) => state?.open === true);
    const send = () => sendOne(egress, requestTo(endpoint.origin, { pool: 'p' }));
    assert.equal((await send()).kind, 'response');
    assert.equal(egress.connections(), 1);
    seen = '192.0.2.99';
    await until(egress, (state) => state?.open === false);
    assert.deepEqual(stateOf(egress)?.problems, [
      'the cluster’s own addresses: is seen as 192.0.2.99, which is none of its source addresses',
    ]);
    assert.equal(egress.connections(), 0);
    const meanwhile = await send();
    assert.equal(meanwhile.kind === 'failure' && meanwhile.code, 'pool_unavailable');
    // The same address in another spelling.
    seen = '2001:0db8:0:0:0:0:0:7';
    await until(egress, (state) => state?.open === true);
    // A page that is down proves nothing: what was proven holds.
    seen = null;
    const asked = page.asked.length;
    while (page.asked.length < asked + 3) await new Promise(setImmediate);
    assert.equal(stateOf(egress)?.open, true);
    assert.equal((await send()).kind, 'response');
  },
);

test('each way is asked for by itself', { timeout: 10_000 }, async () => {
  await using page = await echoPage((address) => (address === '127.0.0.2' ? '192.0.2.2' : '<html>'));
  await using egress = open({ ...addresses, sourceAddresses: ['192.0.2.2'], echoUrl: page.origin });
  const problem = '127.0.0.3: its echo page answers with something that is no address';
  await until(egress, (state) => state?.problems.join() === problem);
  assert.equal(stateOf(egress)?.open, true);
});
