/** The command line against a control plane's listener with TLS and without. Double: the methods. Observed: exit codes, output. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { ListTenantsResponse, TenantServiceService } from '@postrider/contract/postrider/v1/tenant_service';
import { createTestAuthority, type TestAuthority } from '../../../test/support/certificates.ts';
import { openRpc } from './rpc.ts';
import { serverAddress } from './server-tls.ts';
import { cli } from './test-context.ts';
import type { handleUnaryCall } from '@grpc/grpc-js';

const folder = mkdtempSync(join(tmpdir(), 'postrider-cli-tls-'));
const servers: Server[] = [];
let ours: TestAuthority;
let theirs: TestAuthority;
/** Ports by what listens there. */
const ports: Record<string, number> = {};

before(async () => {
  [ours, theirs] = await Promise.all([createTestAuthority('ours'), createTestAuthority('theirs')]);
  const names = 'IP:127.0.0.1,DNS:api.example.com';
  const [good, named, ended, client] = await Promise.all([
    ours.issue('api', { names }),
    ours.issue('api', { names: 'DNS:api.example.com' }),
    ours.issue('api', { names, days: -1 }),
    ours.issue('router', { names: 'DNS:router.acme' }),
  ]);
  const files = { 'ours.pem': ours.ca, 'theirs.pem': theirs.ca, 'client.pem': client.cert, 'client.key': client.key };
  for (const [name, content] of Object.entries({ ...files, 'broken.pem': 'x' }))
    writeFileSync(join(folder, name), content);
  const secured = ({ cert, key }: typeof good, checks = false): ServerCredentials =>
    ServerCredentials.createSsl(
      Buffer.from(ours.ca),
      [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
      checks,
    );
  ports['plain'] = await listen(ServerCredentials.createInsecure());
  ports['good'] = await listen(secured(good));
  ports['named'] = await listen(secured(named));
  ports['ended'] = await listen(secured(ended));
  ports['mutual'] = await listen(secured(good, true));
});
after(async () => {
  for (const server of servers) server.forceShutdown();
  rmSync(folder, { recursive: true });
  await Promise.all([ours[Symbol.asyncDispose](), theirs[Symbol.asyncDispose]()]);
});

async function listen(secured: ServerCredentials): Promise<number> {
  const server = new Server();
  servers.push(server);
  const { listTenants } = TenantServiceService;
  const answer: handleUnaryCall<unknown, unknown> = (call, callback) => {
    const isMutual = call.getAuthContext().sslPeerCertificate !== undefined;
    const isKnown = isMutual || call.metadata.get('authorization')[0] === 'Bearer prk_x';
    if (isKnown) return callback(null, ListTenantsResponse.fromPartial({}));
    callback({ code: status.UNAUTHENTICATED, details: 'nobody', metadata: new Metadata() });
  };
  server.addService({ listTenants }, { listTenants: answer });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', secured, (error, port) => (error === null ? resolve(port) : reject(error)));
  return promise;
}

const at = (name: string, ...flags: string[]) =>
  cli(['tenant', 'list', '--server', name.replace(/[a-z]+$/, (one) => `127.0.0.1:${ports[one]}`), ...flags], {
    cwd: folder,
    env: { POSTRIDER_API_KEY: 'prk_x' },
  });

test('TLS is spoken by the authority that is named, and by the name in the certificate', async () => {
  for (const line of [
    ['good', '--ca', 'ours.pem'],
    ['https://good', '--ca', 'ours.pem'],
    ['named', '--ca', 'ours.pem', '--server-name', 'api.example.com'],
    ['plain'],
    ['http://plain'],
  ]) {
    const [name = '', ...flags] = line;
    assert.deepEqual(
      await at(name, ...flags),
      { exitCode: 0, out: 'There are no tenants.\n', err: '' },
      line.join(' '),
    );
  }
});

test('a client certificate says who calls, without a key', async () => {
  const server = `127.0.0.1:${ports['mutual']}`;
  const certificate = ['--ca', 'ours.pem', '--cert', 'client.pem', '--key', 'client.key'];
  assert.equal((await cli(['tenant', 'list', '--server', server, ...certificate], { cwd: folder })).exitCode, 0);
  const env = {
    ...{ POSTRIDER_SERVER: server, POSTRIDER_CA_FILE: 'ours.pem' },
    ...{ POSTRIDER_CERT_FILE: 'client.pem', POSTRIDER_KEY_FILE: 'client.key' },
  };
  assert.equal((await cli(['tenant', 'list'], { cwd: folder, env })).exitCode, 0);
});

test('when the certificate of the server ends is known once it was called', async () => {
  const called = { server: `127.0.0.1:${ports['good']}`, apiKey: 'prk_x', tls: { ca: ours.ca } };
  using rpc = openRpc(called);
  assert.equal(rpc.serverCertificateEnds(), null);
  await rpc.call(rpc.tenants, rpc.tenants.listTenants, { pageSize: 0, pageToken: '', filter: '', orderBy: '' });
  const daysLeft = ((rpc.serverCertificateEnds()?.getTime() ?? 0) - Date.now()) / 86_400_000;
  assert.equal(Math.round(daysLeft), 2);
});

test('a key is told from a mistyped one, a token is not', async () => {
  const mistyped = /does not look like a key that Postrider made/;
  assert.match((await at('plain', '--api-key', 'prk_y')).err, mistyped);
  assert.doesNotMatch((await at('plain', '--api-key', 'e30.e30.e30')).err, mistyped);
});

test('what keeps a connection from standing is told with what to do', async () => {
  const rows: readonly (readonly [string, readonly string[], RegExp, number])[] = [
    ['good', ['--ca', 'theirs.pem'], /No authority that is believed here vouches .* --ca\.$/m, 3],
    ['https://good', [], /No authority that is believed here vouches/, 3],
    ['named', ['--ca', 'ours.pem'], /is not for that name.*--server-name/, 3],
    ['ended', ['--ca', 'ours.pem'], /has expired\.$/m, 3],
    ['mutual', ['--ca', 'ours.pem'], /wants a client certificate.*--cert and --key\.$/m, 3],
    ['good', [], /If it speaks TLS, write https:\/\/127\.0\.0\.1:\d+\.$/m, 3],
    ['https://plain', [], /does not speak TLS.*write http:\/\/127/, 3],
    ['good', ['--ca', 'none.pem'], /--ca: the file "none\.pem" cannot be read \(ENOENT\)/, 2],
    ['good', ['--cert', 'client.pem'], /--cert and --key go together/, 2],
    ['good', ['--cert', 'broken.pem', '--key', 'client.key'], /--ca, --cert and --key name cannot be used/, 2],
    ['http://plain', ['--ca', 'ours.pem'], /http:\/\/ is plaintext/, 2],
    ['ftp://plain', [], /is not host:port/, 2],
  ];
  for (const [name, flags, told, exitCode] of rows) {
    const answer = await at(name, ...flags);
    assert.match(answer.err, told, `${name} ${flags.join(' ')}`);
    assert.equal(answer.exitCode, exitCode, answer.err);
    assert.ok(!answer.err.includes('prk_x'));
  }
});

test('keys leave this machine in plaintext only where that is written out', () => {
  const isTls = (server: string): boolean => serverAddress(server, {}, '/').tls !== undefined;
  for (const server of [
    'api.example.com:8080',
    '10.0.0.7:8080',
    '[fd00::1]:8080',
    'localhost.example.com:1',
    'https://localhost:1',
  ])
    assert.ok(isTls(server), server);
  for (const server of ['localhost:8080', '127.0.0.1:8080', '[::1]:8080', 'http://api.example.com:8080'])
    assert.ok(!isTls(server), server);
});
