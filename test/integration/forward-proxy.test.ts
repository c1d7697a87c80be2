/**
 * Requests through a real forward proxy, squid: what it allows and denies, when it is slow, down, or wants other credentials.
 * What may be observed: results, the addresses that an endpoint is reached from, and the proxy's own log.
 */
// test-timeout: 120 s
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { createEgress, createPolicy, parsePools, type Egress, type EgressResult } from '@postrider/egress';
import { systemClock } from '@postrider/runtime';
import { squidBinaries, startSquid, type TestSquid } from '../support/squid.ts';
import { waitFor } from '../support/wait-for.ts';

const skip = squidBinaries() === null ? 'there is no squid on this machine (apt-get install squid)' : false;
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const leavesFrom = '127.0.0.4';
const denied = '127.0.0.5';

let squid: TestSquid;
before(async () => {
  if (skip === false) squid = await startSquid({ denied, leavesFrom });
});
after(() => (skip === false ? squid[Symbol.asyncDispose]() : undefined));

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

function open(password = squid.password): Egress & AsyncDisposable {
  const proxy = {
    kind: 'proxy',
    proxyUrl: `http://127.0.0.1:${squid.port}`,
    username: squid.username,
    passwordFile: 'x',
  };
  const pools = parsePools(JSON.stringify({ vetted: proxy }), () => password);
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

const scenario = (name: string, body: () => Promise<void>): void => void test(name, { skip }, body);

scenario('what the proxy allows arrives, from the proxy’s address', async () => {
  await using endpoint = await startEndpoint();
  await using egress = open();
  assert.equal(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), '200');
  assert.deepEqual(endpoint.from, [leavesFrom]);
  await egress[Symbol.asyncDispose]();
  // A tunnel is logged when it ends.
  const logged = `TCP_TUNNEL/200 127.0.0.1:${endpoint.port}`;
  await waitFor(async () => (await squid.log()).includes(logged), { what: 'the tunnel in the log', timeoutMs: 10_000 });
});

scenario('what the proxy denies, and credentials that it does not take, are ours', async () => {
  await using endpoint = await startEndpoint();
  await using egress = open();
  assert.equal(told(await send(egress, `http://${denied}:${endpoint.port}`)), 'proxy_denied ours');
  assert.ok(egress.pools.isOpen('vetted'), 'one denied target closes nothing');
  await using other = open('close barley');
  assert.equal(told(await send(other, `http://127.0.0.1:${endpoint.port}`)), 'proxy_auth ours');
  assert.equal(other.pools.isOpen('vetted'), false);
  assert.deepEqual(endpoint.from, []);
});

scenario('an endpoint that refuses connections is at fault, through a proxy too', async () => {
  const endpoint = await startEndpoint();
  await endpoint[Symbol.asyncDispose]();
  await using egress = open();
  assert.equal(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), 'connection_refused endpoint');
  assert.ok(egress.pools.isOpen('vetted'));
});

scenario('a proxy that hangs is ours, and so is what it held', async () => {
  await using endpoint = await startEndpoint();
  await using egress = open();
  squid.freeze();
  try {
    assert.equal(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), 'proxy_timeout ours');
  } finally {
    squid.thaw();
  }
  assert.equal(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), '200');
});

scenario('a proxy that is down is ours, with every request that it had under way, and is back by itself', async () => {
  await using endpoint = await startEndpoint();
  await using egress = open();
  const underWay = send(egress, `http://127.0.0.1:${endpoint.port}`, '/hang');
  await waitFor(() => endpoint.from.length === 1, { what: 'the request to arrive', timeoutMs: 10_000 });
  await squid.kill();
  try {
    assert.equal(told(await underWay), 'proxy_unavailable ours');
    assert.match(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), /^(proxy|pool)_unavailable ours$/);
    assert.equal(egress.pools.isOpen('vetted'), false);
  } finally {
    await squid.restart();
  }
  await isOpen(egress);
  assert.equal(told(await send(egress, `http://127.0.0.1:${endpoint.port}`)), '200');
  assert.deepEqual(endpoint.from, [leavesFrom, leavesFrom]);
});

scenario('a forbidden address is refused before the proxy is asked', async () => {
  await using egress = open();
  for (const origin of ['http://169.254.169.254', 'http://10.0.0.1', 'http://[::ffff:10.0.0.1]', 'http://0.0.0.0']) {
    assert.match(told(await send(egress, origin)), /^blocked_(url|address) endpoint$/, origin);
  }
  // Something that it is asked for, so that all before it would be in the log.
  assert.equal(told(await send(egress, `http://${denied}:9`)), 'proxy_denied ours');
  const asked = async () => (await squid.log()).filter((line) => !line.includes(' 127.0.0.1:'));
  const last = `TCP_DENIED/403 ${denied}:9`;
  await waitFor(async () => (await asked()).includes(last), { what: 'the log', timeoutMs: 10_000 });
  for (const line of await asked()) assert.match(line, new RegExp(` ${denied}:\\d+$`));
});
