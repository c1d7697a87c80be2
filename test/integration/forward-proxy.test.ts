/**
 * Requests through real forward proxies: what they allow and deny, when one is slow, hangs, is down, or wants other
 * credentials. What may be observed: results, the addresses that an endpoint is reached from, and the proxy's own log.
 */
// test-timeout: 240 s
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { createEgress, createPolicy, parsePools, type Egress, type EgressResult } from '@postrider/egress';
import { systemClock } from '@postrider/runtime';
import { forwardProxies, type ForwardProxyKind } from '../support/forward-proxies.ts';
import type { ForwardProxy } from '../support/forward-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const leavesFrom = '127.0.0.4';
const denied = '127.0.0.5';

/** An endpoint that listens on every address of loopback and remembers where requests come from; `/hang` is not answered. */
async function startEndpoint(): Promise<AsyncDisposable & { readonly port: number; readonly from: string[] }> {
  const from: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      from.push(socket.remoteAddress ?? '');
      if (!chunk.toString('latin1').startsWith('POST /hang')) socket.write(ok);
    });
  }).listen(0, '0.0.0.0');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    from,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const policy = createPolicy({ allowHttp: true, allowLoopback: true, ports: 'any' });

function open({ port, username, password: right }: ForwardProxy, password = right): Egress & AsyncDisposable {
  const definition = { kind: 'proxy', proxyUrl: `http://127.0.0.1:${port}`, username, passwordFile: 'x' };
  const pools = parsePools(JSON.stringify({ vetted: definition }), () => password);
  const egress = createEgress({ policy, clock: systemClock, pools, limits: { connectMs: 1_500 } });
  return { ...egress, [Symbol.asyncDispose]: () => egress.close({ graceMs: 0 }) };
}

let keys = 0;
function send(egress: Egress, origin: string, path = '/in'): Promise<EgressResult> {
  keys += 1;
  const { promise, resolve } = Promise.withResolvers<EgressResult>();
  const body = Buffer.from('{}');
  const rest = { headers: [], body, totalDeadlineMs: 5_000, maxSockets: 1, pool: 'vetted' };
  egress.send({ ...rest, origin, path, poolKey: `endpoint-${keys}` }, resolve);
  return promise;
}

const told = (result: EgressResult): string =>
  result.kind === 'failure' ? `${result.code} ${result.owner}` : String(result.status);

/** Whether the pool is usable again, which takes a look or a rest. */
const isOpen = (egress: Egress) =>
  waitFor(() => egress.pools.isOpen('vetted'), { what: 'the pool to open', timeoutMs: 15_000 });

type Scenario = (proxy: ForwardProxy, kind: ForwardProxyKind) => Promise<void>;

const scenarios: Readonly<Record<string, Scenario>> = {
  async 'what the proxy allows arrives, from the proxy’s address'(proxy) {
    await using endpoint = await startEndpoint();
    await using egress = open(proxy);
    assert.equal(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), '200');
    assert.deepEqual(endpoint.from, [leavesFrom]);
    // Some tell of a tunnel only when it ends.
    await egress[Symbol.asyncDispose]();
    await isAsked(proxy, `200 127.0.0.1:${endpoint.port}`);
  },

  async 'what the proxy denies, and credentials that it does not take, are ours'(proxy) {
    await using endpoint = await startEndpoint();
    await using egress = open(proxy);
    assert.equal(told(await send(egress, `http://${denied}:${endpoint.port}`)), 'proxy_denied ours');
    assert.ok(egress.pools.isOpen('vetted'), 'one denied target closes nothing');
    await using other = open(proxy, 'close barley');
    assert.equal(told(await send(other, `http://127.0.0.1:${endpoint.port}`)), 'proxy_auth ours');
    assert.equal(other.pools.isOpen('vetted'), false);
    assert.deepEqual(endpoint.from, []);
  },

  async 'an endpoint that refuses connections is at fault, if the proxy says so'(proxy, { saysWhose }) {
    const endpoint = await startEndpoint();
    await endpoint[Symbol.asyncDispose]();
    await using egress = open(proxy);
    const expected = saysWhose ? 'connection_refused endpoint' : 'proxy_error ours';
    assert.equal(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), expected);
    assert.ok(egress.pools.isOpen('vetted'));
  },

  async 'a proxy that is slow costs time and nothing else'(proxy) {
    await using endpoint = await startEndpoint();
    await using egress = open(proxy);
    const began = performance.now();
    proxy.freeze();
    const sent = send(egress, `http://127.0.0.1:${endpoint.port}`);
    await waitFor(() => performance.now() - began > 500, { what: 'half a second' }).finally(() => proxy.thaw());
    assert.equal(told(await sent), '200');
    assert.ok(performance.now() - began >= 500);
    assert.ok(egress.pools.isOpen('vetted'));
  },

  async 'a proxy that hangs is ours, and so is what it held'(proxy) {
    await using endpoint = await startEndpoint();
    await using egress = open(proxy);
    proxy.freeze();
    try {
      assert.equal(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), 'proxy_timeout ours');
    } finally {
      proxy.thaw();
    }
    assert.equal(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), '200');
  },

  async 'a proxy that is down is ours, with every request that it had under way, and is back by itself'(proxy) {
    await using endpoint = await startEndpoint();
    await using egress = open(proxy);
    const underWay = send(egress, `http://127.0.0.1:${endpoint.port}`, '/hang');
    await waitFor(() => endpoint.from.length === 1, { what: 'the request to arrive', timeoutMs: 10_000 });
    await proxy.kill();
    try {
      assert.equal(told(await underWay), 'proxy_unavailable ours');
      assert.match(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), /^(proxy|pool)_unavailable ours$/);
      assert.equal(egress.pools.isOpen('vetted'), false);
    } finally {
      await proxy.restart();
    }
    await isOpen(egress);
    assert.equal(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), '200');
    assert.deepEqual(endpoint.from, [leavesFrom, leavesFrom]);
  },

  async 'a forbidden address is refused before the proxy is asked'(proxy) {
    await using egress = open(proxy);
    for (const origin of ['http://169.254.169.254', 'http://10.0.0.1', 'http://[::ffff:10.0.0.1]', 'http://0.0.0.0']) {
      assert.match(told(await send(egress, origin)), /^blocked_(url|address) endpoint$/, origin);
    }
    // Something that it is asked for, so that all before it would be in the log.
    assert.equal(told(await send(egress, `http://${denied}:9`)), 'proxy_denied ours');
    await isAsked(proxy, `403 ${denied}:9`);
    assert.deepEqual(await proxy.asked(), [`403 ${denied}:9`]);
  },
};

/** It has written down that it was asked for this, and what it answered. */
const isAsked = (proxy: ForwardProxy, line: string) =>
  waitFor(async () => (await proxy.asked()).includes(line), {
    what: `“${line}” in the proxy's log`,
    timeoutMs: 10_000,
  });

for (const kind of forwardProxies) {
  describe(kind.name, { skip: kind.missing ?? false }, () => {
    for (const [name, scenario] of Object.entries(scenarios)) {
      test(name, async () => {
        await using proxy = await kind.start({ denied, leavesFrom });
        await scenario(proxy, kind);
      });
    }
  });
}
