/** Pools that are a forward proxy, played on raw sockets of loopback. A real one: `test/integration/egress-pools.test.ts`. */
import assert from 'node:assert/strict';
import { createServer as createTlsServer } from 'node:tls';
import { once } from 'node:events';
import { test } from 'node:test';
import type { AddressInfo, Socket } from 'node:net';
import { letThrough, scriptedProxy, type OnConnect } from '../../testing/scripted-proxy.ts';
import { answering, onRequest, openEgress, rawEndpoint, requestTo, sendOne } from '../../testing/support.ts';
import { identity, tlsFile, tlsReceiver } from '../../testing/tls-receivers.ts';
import { createPolicy, parsePools, type Egress, type EgressOptions, type EgressResult } from '../index.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const told = (result: EgressResult): string =>
  result.kind === 'failure' ? `${result.code} ${result.owner}` : String(result.status);

/** A door whose only pool besides `default` is the proxy at this port. */
function openThrough(port: number, options: Partial<EgressOptions> = {}, more: object = {}): Egress & AsyncDisposable {
  const p = { kind: 'proxy', proxyUrl: `http://127.0.0.1:${port}`, ...more };
  const files: Record<string, string> = { password: 'sesame', ca: tlsFile('ca.pem').toString() };
  return openEgress({ pools: parsePools(JSON.stringify({ p }), (path) => files[path] ?? ''), ...options });
}

const through = (egress: Egress, origin: string, more: object = {}) =>
  sendOne(egress, requestTo(origin, { pool: 'p', ...more }));

/** Public addresses may be reached, and are: the proxy lets everything through to loopback. */
const publicOnly: Partial<EgressOptions> = { policy: createPolicy({ allowHttp: true, ports: 'any' }) };

test('the proxy is asked for the address that was judged, never for a name, and told nothing of the request', async () => {
  await using endpoint = await answering(ok);
  await using proxy = await scriptedProxy(letThrough);
  const resolve = async () => ['2001:4860:4860::8888', '8.8.8.8'];
  await using egress = openThrough(proxy.port, { ...publicOnly, resolve });
  const result = await through(egress, `http://hook.example.com:${endpoint.port}`);
  assert.ok(result.kind === 'response');
  assert.deepEqual([result.status, result.remoteAddress, result.sourceAddress], [200, '8.8.8.8', '127.0.0.1']);
  assert.equal(
    (await through(egress, `http://[2001:4860:4860::8888]:${endpoint.port}`, { poolKey: 'six' })).kind,
    'response',
  );
  assert.deepEqual(proxy.asked, [`8.8.8.8:${endpoint.port}`, `[2001:4860:4860::8888]:${endpoint.port}`]);
  const [head = ''] = proxy.received().split('POST');
  assert.equal(head, `CONNECT ${proxy.asked[0]} HTTP/1.1\r\nhost: ${proxy.asked[0]}\r\n\r\n`);
  assert.match(endpoint.received(), new RegExp(`^POST /hook HTTP/1.1\r\nhost: hook.example.com:${endpoint.port}\r\n`));
});

test('a forbidden address is refused before the proxy is asked', async () => {
  await using proxy = await scriptedProxy(letThrough);
  const answers: Record<string, string[]> = {
    'in.example.com': ['10.0.0.1'],
    'mixed.example.com': ['8.8.8.8', '127.0.0.1'],
  };
  const resolve = async (name: string) => answers[name] ?? [];
  await using egress = openThrough(proxy.port, { ...publicOnly, resolve });
  for (const origin of ['http://in.example.com', 'http://mixed.example.com', 'http://127.0.0.1', 'http://[::1]']) {
    const result = await through(egress, origin, { poolKey: origin });
    assert.match(told(result), /^blocked_(address|url) endpoint$/, origin);
  }
  assert.equal(proxy.accepts(), 0);
});

test('inside the tunnel TLS speaks the name of the URL; the way to the proxy may be TLS itself, with credentials', async () => {
  await using receiver = await tlsReceiver(identity('hook'));
  const heads: string[] = [];
  const server = createTlsServer(identity('hook'), (socket) => {
    socket.on('error', () => {});
    socket.once('data', (chunk: Buffer) => {
      heads.push(chunk.toString());
      letThrough(socket as Socket, /CONNECT (\S+)/.exec(chunk.toString())?.[1] ?? '', '');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const more = { proxyUrl: `https://127.0.0.1:${port}`, caFile: 'ca', username: 'me', passwordFile: 'password' };
  {
    const options = { ...publicOnly, ca: [tlsFile('ca.pem')], resolve: async () => ['8.8.4.4'] };
    await using egress = openThrough(port, options, more);
    assert.equal(told(await through(egress, `https://hook.example.com:${receiver.port}`)), '200');
    const other = await through(egress, `https://another.example.com:${receiver.port}`, { poolKey: 'other' });
    assert.equal(told(other), 'tls_certificate endpoint');
    assert.match(heads[0] ?? '', new RegExp(`\r\nproxy-authorization: Basic ${btoa('me:sesame')}\r\n`));
  }
  // The proxy's certificate is checked as well.
  await using distrusting = openThrough(
    port,
    { resolve: async () => ['127.0.0.1'] },
    { proxyUrl: `https://127.0.0.1:${port}` },
  );
  assert.equal(told(await through(distrusting, `https://hook.example.com:${receiver.port}`)), 'proxy_unavailable ours');
  server.close();
});

const says =
  (answer: string): OnConnect =>
  (client) =>
    client.end(answer, 'latin1');
const secret = 'secret of the inside';
const body = `content-length: ${secret.length}\r\n\r\n${secret}`;
const faults: readonly (readonly [what: string, onConnect: OnConnect, told: string])[] = [
  ['wants other credentials', says(`HTTP/1.1 407 ${secret}\r\n${body}`), 'proxy_auth ours'],
  ['denies the target', says(`HTTP/1.1 403 Forbidden\r\n${body}`), 'proxy_denied ours'],
  ['sends elsewhere', says(`HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\n${body}`), 'proxy_denied ours'],
  ['fails', says(`HTTP/1.1 502 Bad Gateway\r\n${body}`), 'proxy_error ours'],
  ['is overloaded', says(`HTTP/1.0 503 Busy\r\n${body}`), 'proxy_error ours'],
  ['hangs up', (client) => client.destroy(), 'proxy_error ours'],
  ['hangs up in the middle', says('HTTP/1.1 200 Conn'), 'proxy_error ours'],
  ['speaks no HTTP', says('SSH-2.0-OpenSSH_9.2\r\n\r\n'), 'proxy_error ours'],
  ['never ends its answer', says(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}`), 'proxy_error ours'],
  ['says nothing', () => {}, 'proxy_timeout ours'],
  [
    'says as squid does that the endpoint refused',
    says(`HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_CONNECT_FAIL 111\r\n${body}`),
    'connection_refused endpoint',
  ],
  [
    'says as squid does that the endpoint stayed silent',
    says(`HTTP/1.1 504 Gateway Timeout\r\nX-Squid-Error: ERR_CONNECT_FAIL 110\r\n${body}`),
    'connect_timeout endpoint',
  ],
  [
    'says as squid does that it has no route',
    says(`HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_CONNECT_FAIL 101\r\n${body}`),
    'proxy_error ours',
  ],
  [
    'says in its page what only a header may say',
    says('HTTP/1.1 502 Bad Gateway\r\n\r\nX-Squid-Error: ERR_CONNECT_FAIL 111\r\n'),
    'proxy_error ours',
  ],
  [
    'says as squid does that it may not',
    says(`HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n${body}`),
    'proxy_denied ours',
  ],
  [
    'says by Proxy-Status that the endpoint refused',
    says(`HTTP/1.1 502 Bad Gateway\r\nproxy-status: gate.example; error=connection_refused\r\n${body}`),
    'connection_refused endpoint',
  ],
  [
    'says by Proxy-Status that it is itself at fault',
    says(`HTTP/1.1 502 Bad Gateway\r\nProxy-Status: gate.example; error=proxy_internal_error\r\n${body}`),
    'proxy_error ours',
  ],
  ['lets an endpoint speak first', says(`HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`), 'protocol_error endpoint'],
];

for (const [what, onConnect, expected] of faults) {
  test(`a proxy that ${what}: ${expected}`, async () => {
    await using proxy = await scriptedProxy(onConnect);
    await using egress = openThrough(proxy.port, { limits: { connectMs: 300 } });
    const result = await through(egress, 'http://127.0.0.1:9');
    assert.equal(told(result), expected);
    // What a proxy says of the inside is for nobody outside.
    assert.ok(!JSON.stringify(result).includes(secret));
    assert.ok(result.kind === 'failure' && !result.message.includes('127.0.0.1'));
  });
}

test('a proxy that is down closes its pool, and is back by itself when it is up', async () => {
  const first = await scriptedProxy(letThrough);
  const { port } = first;
  await first[Symbol.asyncDispose]();
  await using endpoint = await answering(ok);
  await using egress = openThrough(port);
  assert.equal(told(await through(egress, endpoint.origin)), 'proxy_unavailable ours');
  assert.equal(egress.pools.isOpen('p'), false);
  const opened = Promise.withResolvers<void>();
  egress.pools.onChange(() => egress.pools.isOpen('p') && opened.resolve());
  await using proxy = await scriptedProxy(letThrough, port);
  await opened.promise;
  assert.equal(told(await through(egress, endpoint.origin)), '200');
  assert.equal(proxy.asked.length, 1);
  assert.equal(endpoint.accepts(), 1);
});

test('what an endpoint does through a proxy that is well stays its own doing', async () => {
  await using resetting = await rawEndpoint((socket) => onRequest(socket, () => socket.resetAndDestroy()));
  await using silent = await rawEndpoint((socket) => onRequest(socket, () => {}));
  await using proxy = await scriptedProxy(letThrough);
  await using egress = openThrough(proxy.port, { limits: { totalMinMs: 100 } });
  assert.match(told(await through(egress, resetting.origin, { poolKey: 'a' })), /^connection_(reset|closed) endpoint$/);
  assert.equal(
    told(await through(egress, silent.origin, { poolKey: 'b', totalDeadlineMs: 200 })),
    'total_timeout endpoint',
  );
  assert.ok(egress.pools.isOpen('p'));
});

test('a proxy that goes down takes its tunnels with it, and no endpoint is blamed for that', async () => {
  const reached = Promise.withResolvers<void>();
  await using endpoint = await rawEndpoint((socket) => onRequest(socket, () => reached.resolve()));
  const proxy = await scriptedProxy(letThrough);
  await using egress = openThrough(proxy.port);
  const sent = through(egress, endpoint.origin);
  await reached.promise;
  await proxy[Symbol.asyncDispose]();
  assert.equal(told(await sent), 'proxy_unavailable ours');
});

test('a proxy that is dying may still be connected to, and is blamed all the same', async () => {
  await using proxy = await rawEndpoint((socket, connection) => {
    // After whoever connects has been told that it is connected.
    if (connection > 1) return void setTimeout(() => socket.resetAndDestroy(), 20);
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.once('data', () => socket.destroy());
    });
  });
  await using egress = openThrough(proxy.port);
  assert.equal(told(await through(egress, 'http://127.0.0.1:9')), 'proxy_unavailable ours');
  assert.equal(proxy.accepts(), 2);
});

test('an endpoint that a proxy waits for in vain is blamed when the proxy answers others meanwhile', async () => {
  await using endpoint = await answering(ok);
  await using proxy = await scriptedProxy((client, target, head) => {
    if (target !== '127.0.0.9:9') letThrough(client, target, head);
  });
  await using egress = openThrough(proxy.port, { limits: { connectMs: 400 } });
  const waiting = through(egress, 'http://127.0.0.9:9', { poolKey: 'black hole' });
  assert.equal(told(await through(egress, endpoint.origin, { poolKey: 'well' })), '200');
  assert.equal(told(await waiting), 'connect_timeout endpoint');
});

test('so it is when the proxy brings others their answers over tunnels that stand', async () => {
  await using endpoint = await answering(ok);
  await using proxy = await scriptedProxy((client, target, head) => {
    if (target !== '127.0.0.9:9') letThrough(client, target, head);
  });
  await using egress = openThrough(proxy.port, { limits: { connectMs: 400 } });
  assert.equal(told(await through(egress, endpoint.origin, { poolKey: 'a/well' })), '200');
  const waiting = through(egress, 'http://127.0.0.9:9', { poolKey: 'b/black hole' });
  assert.equal(told(await through(egress, endpoint.origin, { poolKey: 'a/well' })), '200');
  assert.equal(told(await waiting), 'connect_timeout endpoint');
  assert.equal(proxy.asked.length, 2);
});

test('a proxy that answers none of several tenants closes its pool; endpoints of one tenant alone cannot', async () => {
  await using proxy = await scriptedProxy(() => {});
  await using egress = openThrough(proxy.port, { limits: { connectMs: 100 } });
  const silence = async (poolKey: string) =>
    assert.equal(told(await through(egress, 'http://127.0.0.9:9', { poolKey })), 'proxy_timeout ours', poolKey);
  for (const endpoint of ['1', '2', '3', '4']) await silence(`a/${endpoint}`);
  await silence('b/1');
  assert.ok(egress.pools.isOpen('p'));
  await silence('c/1');
  assert.deepEqual(egress.pools.states().find(({ name }) => name === 'p')?.problems, [
    `proxy 127.0.0.1:${proxy.port}: answers nobody`,
  ]);
  assert.equal(told(await through(egress, 'http://127.0.0.9:9', { poolKey: 'd/1' })), 'pool_unavailable ours');
  assert.equal(proxy.asked.length, 6);
});

test('credentials that are refused close the pool for a while, without a look at what a look cannot tell', async () => {
  await using proxy = await scriptedProxy(says('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'));
  await using egress = openThrough(proxy.port);
  assert.equal(told(await through(egress, 'http://127.0.0.1:9')), 'proxy_auth ours');
  assert.equal(told(await through(egress, 'http://127.0.0.1:9')), 'pool_unavailable ours');
  assert.equal(proxy.asked.length, 1);
  const state = egress.pools.states().find(({ name }) => name === 'p');
  assert.deepEqual(state?.problems, [`proxy 127.0.0.1:${proxy.port}: does not accept its credentials`]);
});
