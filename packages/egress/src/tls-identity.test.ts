/** A real TLS endpoint on loopback, with certificates made for the run. Observed: results, and who the endpoint saw. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { Secret } from '@postrider/core';
import { createTestAuthority, type TestAuthority, type TestCertificate } from '../../../test/support/certificates.ts';
import { onRequest, openEgress, requestTo, sendOne } from '../testing/support.ts';
import { tlsIdentity, type Egress, type EgressRequest, type EgressResult, type TlsSettings } from './index.ts';

let servers: TestAuthority;
let clients: TestAuthority;
let hook: TestCertificate;
before(async () => {
  [servers, clients] = await Promise.all([createTestAuthority('servers'), createTestAuthority('clients')]);
  hook = await servers.issue('hook.example.com');
});
after(() => Promise.all([servers, clients].map((one) => one[Symbol.asyncDispose]())));

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

/** An endpoint that answers 200 over kept connections, and the common name of the client of each request. */
async function tlsEndpoint(options: TlsOptions = {}) {
  const seen: string[] = [];
  const open = new Set<TLSSocket>();
  let connections = 0;
  const server = createServer({ ...hook, ...options }, (socket) => {
    connections++;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    onRequest(socket, () => {
      const { subject } = socket.getPeerCertificate();
      seen.push(String(subject?.CN ?? 'nobody'));
      socket.write(ok);
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    seen,
    open,
    connections: () => connections,
    origin: `https://hook.example.com:${port}`,
    [Symbol.dispose]() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** TLS 1.3 tells a client that it is refused only after the handshake, and closes: what is read first decides the code. */
const refusal = /^(tls_protocol|connection_closed|connection_reset) endpoint$/;
const asksForCertificate = (): TlsOptions => ({ requestCert: true, rejectUnauthorized: true, ca: clients.ca });
const openDoor = (): Egress & AsyncDisposable => openEgress({ resolve: async () => ['127.0.0.1'] });
const clientOf = ({ cert, key }: TestCertificate) => ({ certificate: cert, key: new Secret(key) });
const outcome = (result: EgressResult): number | string =>
  result.kind === 'response' ? result.status : `${result.code} ${result.owner}`;

async function sendWith(egress: Egress, origin: string, settings?: TlsSettings, more: Partial<EgressRequest> = {}) {
  const tls = settings === undefined ? {} : { tls: tlsIdentity(settings) };
  return outcome(await sendOne(egress, requestTo(origin, { ...more, ...tls })));
}

test('the endpoint’s own authority is trusted instead of the public roots, and no other', async () => {
  using endpoint = await tlsEndpoint();
  await using egress = openDoor();
  assert.equal(await sendWith(egress, endpoint.origin), 'tls_certificate endpoint');
  assert.equal(await sendWith(egress, endpoint.origin, { ca: clients.ca }), 'tls_certificate endpoint');
  assert.equal(await sendWith(egress, endpoint.origin, { ca: servers.ca }), 200);
  const wrongName = endpoint.origin.replace('hook', 'evil');
  assert.equal(await sendWith(egress, wrongName, { ca: servers.ca }), 'tls_certificate endpoint');
});

test('an endpoint that asks for a client certificate is shown ours, and refuses who has none or a stranger’s', async () => {
  using endpoint = await tlsEndpoint(asksForCertificate());
  await using egress = openDoor();
  const send = (client?: TestCertificate) =>
    sendWith(egress, endpoint.origin, { ca: servers.ca, ...(client && { client: clientOf(client) }) });
  assert.equal(await send(await clients.issue('postrider')), 200);
  assert.deepEqual(endpoint.seen, ['postrider']);
  assert.match(String(await send()), refusal);
  assert.match(String(await send(await servers.issue('stranger'))), refusal);
  assert.equal(await send(await clients.issue('past', { days: -1 })), 'client_certificate_expired endpoint');
  assert.deepEqual(endpoint.seen, ['postrider']);
});

test('an endpoint that cannot speak the oldest version that is accepted is refused', async () => {
  using endpoint = await tlsEndpoint({ maxVersion: 'TLSv1.2' });
  await using egress = openDoor();
  assert.equal(
    await sendWith(egress, endpoint.origin, { ca: servers.ca, minVersion: 'TLSv1.3' }),
    'tls_protocol endpoint',
  );
  assert.equal(await sendWith(egress, endpoint.origin, { ca: servers.ca, minVersion: 'TLSv1.2' }), 200);
  using old = await tlsEndpoint({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
  assert.equal(await sendWith(egress, old.origin, { ca: servers.ca }), 'tls_protocol endpoint');
});

test('a certificate that cannot be used is ours, and nothing is sent', async () => {
  using endpoint = await tlsEndpoint();
  await using egress = openDoor();
  const { cert } = await clients.issue('one');
  const { key } = await clients.issue('other');
  const client = { certificate: cert, key: new Secret(key) };
  assert.equal(await sendWith(egress, endpoint.origin, { ca: servers.ca, client }), 'internal ours');
  assert.equal(endpoint.seen.length, 0);
});

test('connections of one certificate never serve another, and equal settings share them', async () => {
  using endpoint = await tlsEndpoint(asksForCertificate());
  await using egress = openDoor();
  const [old, next] = await Promise.all(['old', 'next'].map((name) => clients.issue(name)));
  assert.ok(old && next);
  for (const client of [old, old, next, next]) {
    assert.equal(await sendWith(egress, endpoint.origin, { ca: servers.ca, client: clientOf(client) }), 200);
  }
  assert.deepEqual(endpoint.seen, ['old', 'old', 'next', 'next']);
  assert.equal(endpoint.connections(), 2);
});

test('a certificate changed under load costs no request: what is in flight ends, what waits takes the new one', async () => {
  using endpoint = await tlsEndpoint(asksForCertificate());
  await using egress = openDoor();
  const certificates = await Promise.all(['first', 'second', 'third'].map((name) => clients.issue(name)));
  const results: Promise<string | number>[] = [];
  for (const certificate of certificates) {
    const client = clientOf(certificate);
    // More than there are connections for: some wait when the next certificate comes.
    for (let index = 0; index < 40; index++) {
      results.push(sendWith(egress, endpoint.origin, { ca: servers.ca, client }, { maxSockets: 4 }));
    }
    await Promise.race(results.slice(-40));
  }
  assert.deepEqual(new Set(await Promise.all(results)), new Set([200]));
  assert.deepEqual(new Set(endpoint.seen), new Set(['first', 'second', 'third']));
  assert.equal(endpoint.seen.length, 120);
  assert.ok(endpoint.seen.filter((name) => name === 'third').length > 40, 'what waited took the new certificate');
  const left = egress.connections();
  assert.ok(left > 0 && left <= 4, `${left} connections are left`);
});
