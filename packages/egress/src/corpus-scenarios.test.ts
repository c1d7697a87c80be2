/**
 * The corpus's scenarios of connections and proxies, one test a row, over real sockets of loopback. What is public in a row is
 * played: a resolver says it, and the way there is never taken.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { createServer } from 'node:tls';
import { openCanary } from '../testing/canary.ts';
import { corpusRows, mustRefuseText, policyOf, type CorpusRow } from '../testing/corpus.ts';
import { answering, onRequest, openEgress, rawEndpoint, requestTo, sendOne } from '../testing/support.ts';
import { identity, tlsFile } from '../testing/tls-receivers.ts';
import type { Egress, EgressOptions, EgressResult } from './index.ts';
import { createPolicy } from './policy.ts';
import { parsePools } from './pools/definition.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const at =
  (...addresses: string[]) =>
  async (): Promise<string[]> =>
    addresses;
const wide = createPolicy({ allowHttp: true, ports: 'any' });
const told = (result: EgressResult): string =>
  result.kind === 'failure' ? `${result.code} ${result.owner}` : String(result.status);

/** An endpoint that could speak HTTP/2; `seen`: what was agreed on in each handshake. */
async function endpointOfBoth(name: 'hook' | 'other') {
  const seen: string[] = [];
  const server = createServer({ ...identity(name), ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    seen.push(`${socket.servername || ''} ${socket.alpnProtocol || ''}`);
    socket.on('error', () => {});
    onRequest(socket, () => socket.write(ok));
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, seen, [Symbol.dispose]: () => void server.close() };
}

const trusting = (options: Partial<EgressOptions> = {}): Egress & AsyncDisposable =>
  openEgress({ resolve: at('127.0.0.1'), ca: [tlsFile('ca.pem')], ...options });

/** A forward proxy that answers every CONNECT so. */
async function proxyOf(answer: string) {
  const proxy = await answering(answer);
  const definition = { kind: 'proxy', proxyUrl: `http://127.0.0.1:${proxy.port}` };
  return Object.assign(proxy, { pools: parsePools(JSON.stringify({ out: definition }), () => assert.fail('no file')) });
}

const scenarios: Readonly<Record<string, (row: CorpusRow) => Promise<void>>> = {
  async remote_address_differs_from_pinned() {
    await using endpoint = await rawEndpoint(() => {});
    const dial = (): Socket => connect({ host: '127.0.0.1', port: endpoint.port });
    await using egress = openEgress({ policy: wide, dial, resolve: at('8.8.8.8') });
    assert.equal(told(await sendOne(egress, requestTo('http://hook.example.com'))), 'blocked_address ours');
    assert.equal(endpoint.received(), '');
  },

  async sni_and_cert_name() {
    using endpoint = await endpointOfBoth('hook');
    await using egress = trusting();
    assert.equal(told(await sendOne(egress, requestTo(`https://hook.example.com:${endpoint.port}`))), '200');
    assert.deepEqual(endpoint.seen, ['hook.example.com http/1.1']);
  },

  async cert_for_other_name() {
    using endpoint = await endpointOfBoth('other');
    await using egress = trusting();
    const result = await sendOne(egress, requestTo(`https://hook.example.com:${endpoint.port}`));
    assert.equal(told(result), 'tls_certificate endpoint');
  },

  async h2_connection_coalescing() {
    using endpoint = await endpointOfBoth('hook');
    await using egress = trusting();
    const send = (name: string, poolKey: string) =>
      sendOne(egress, requestTo(`https://${name}:${endpoint.port}`, { poolKey }));
    assert.equal(told(await send('hook.example.com', 'a')), '200');
    // Same address, same certificate, another tenant: a connection of its own, and HTTP/2 on none.
    assert.equal(told(await send('hook.example.com', 'b')), '200');
    assert.equal(told(await send('elsewhere.example.com', 'c')), 'tls_certificate endpoint');
    assert.deepEqual(new Set(endpoint.seen.slice(0, 2)), new Set(['hook.example.com http/1.1']));
    assert.equal(egress.connections(), 2);
  },

  async dns_rebind_between_happy_eyeballs_attempts() {
    await using canary = await openCanary();
    const lookups = [['8.8.8.8', '2606:4700::1111'], ['127.0.0.1']];
    let lookup = 0;
    const dialled: string[] = [];
    const dial = (address: string): Socket => {
      dialled.push(address);
      return connect({ host: '127.0.0.1', port: 1 });
    };
    const resolve = async (): Promise<string[]> => lookups[lookup++] ?? [];
    await using egress = openEgress({ policy: wide, resolve, dial });
    const result = await sendOne(egress, requestTo(`http://hook.example.com:${canary.ports[0]}`));
    assert.equal(told(result), 'connection_refused endpoint');
    assert.deepEqual([lookup, dialled, canary.accepts()], [1, ['8.8.8.8', '2606:4700::1111'], 0]);
  },

  async connect_to_own_pod_or_service_cidr_public_ips(row) {
    const dial = (): Socket => assert.fail('dialled');
    await using egress = openEgress({ policy: policyOf(row), resolve: at('8.8.4.4'), dial });
    assert.equal(told(await sendOne(egress, requestTo('http://hook.example.com'))), 'blocked_address endpoint');
  },

  async forward_proxy_hostname_target() {
    await using proxy = await proxyOf('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
    await using egress = openEgress({ policy: wide, pools: proxy.pools, resolve: at('8.8.8.8', '169.254.169.254') });
    const result = await sendOne(egress, requestTo('http://hook.example.com', { pool: 'out' }));
    assert.deepEqual([told(result), proxy.accepts()], ['blocked_address endpoint', 0]);
  },

  async env_HTTP_PROXY_set() {
    await using canary = await openCanary();
    await using endpoint = await answering(ok);
    const proxy = `http://127.0.0.1:${canary.ports[0]}`;
    const env = { ...process.env, HTTP_PROXY: proxy, HTTPS_PROXY: proxy, ALL_PROXY: proxy, NODE_USE_ENV_PROXY: '1' };
    const file = new URL('../testing/send-once.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [file, endpoint.origin], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    assert.deepEqual([String(said), endpoint.accepts(), canary.accepts()], ['200\n', 1, 0]);
  },

  async socks5_remote_dns() {
    // There is no SOCKS; what a proxy is asked for is the address that was vetted, and never the name.
    await using proxy = await proxyOf('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
    await using egress = openEgress({ policy: wide, pools: proxy.pools, resolve: at('8.8.8.8') });
    await sendOne(egress, requestTo('http://hook.example.com', { pool: 'out' }));
    assert.match(proxy.received(), /^CONNECT 8\.8\.8\.8:80 HTTP\/1\.1\r\nhost: 8\.8\.8\.8:80\r\n/);
    assert.doesNotMatch(proxy.received(), /hook\.example\.com/);
  },

  async proxy_407_or_502_body() {
    for (const [status, code] of [
      [407, 'proxy_auth'],
      [502, 'proxy_error'],
    ] as const) {
      await using proxy = await proxyOf(`HTTP/1.1 ${status} No\r\ncontent-length: 12\r\n\r\nproxy secret`);
      await using egress = openEgress({ policy: wide, pools: proxy.pools, resolve: at('8.8.8.8') });
      const result = await sendOne(egress, requestTo('http://hook.example.com', { pool: 'out' }));
      assert.equal(told(result), `${code} ours`);
      assert.doesNotMatch(JSON.stringify(result), /secret/);
    }
  },

  async localAddress_unassigned() {
    await using endpoint = await answering(ok);
    const definition = { kind: 'addresses', localAddresses: ['192.0.2.1'] };
    const pools = parsePools(JSON.stringify({ out: definition }), () => assert.fail('no file'));
    await using egress = openEgress({ pools });
    const result = await sendOne(egress, requestTo(endpoint.origin, { pool: 'out' }));
    assert.equal(result.kind === 'failure' && result.owner, 'ours', told(result));
    assert.equal(endpoint.accepts(), 0);
  },
};

const rows = corpusRows.filter((row) => row.scenario !== undefined && !mustRefuseText(row));

for (const row of rows) {
  test(`corpus ${row.id} ${row.class}: ${row.reason}`, async () => {
    const scenario = scenarios[row.scenario ?? ''];
    assert.ok(scenario, `there is no test of ${row.scenario}`);
    await scenario(row);
  });
}

test('there are eleven scenarios, and nothing besides', () => {
  assert.deepEqual([rows.length, Object.keys(scenarios).length], [11, 11]);
});
