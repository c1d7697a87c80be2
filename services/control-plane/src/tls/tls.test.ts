/**
 * TLS on the API, over real sockets with certificates of authorities made here. Double: Kafka. Observed: answers, how
 * handshakes end, the log.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials, status } from '@grpc/grpc-js';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import { roleNamed } from '@postrider/core';
import { createFakeKafka } from '@postrider/kafka/testing';
import { createTestAuthority, type TestAuthority } from '../../../../test/support/certificates.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { ADMIN_KEY, calls, failure, startTestPlane } from '../../testing/harness.ts';
import { channelOf, tlsTenants, writtenTls } from '../../testing/tls.ts';
import type { RoleName } from '@postrider/core';
import type { Running } from '../../testing/harness.ts';
import type { TlsClient, WrittenTls } from '../../testing/tls.ts';

const bearer = `Bearer ${ADMIN_KEY}`;
const list = { pageSize: 0, pageToken: '', filter: '', orderBy: '' };
const onLoopback = { names: 'DNS:api.example.com,IP:127.0.0.1' };
let authority: TestAuthority;
let stranger: TestAuthority;
before(async () => {
  [authority, stranger] = await Promise.all([createTestAuthority('ours'), createTestAuthority('theirs')]);
});
after(() => Promise.all([authority[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()]));

interface Scene extends AsyncDisposable {
  readonly run: Running;
  readonly tls: WrittenTls;
  readonly open: (client?: Partial<TlsClient>) => ReturnType<typeof tlsTenants>;
}

async function scene(clients: 'optional' | 'required' = 'optional'): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const tls = stack.use(await writtenTls(await authority.issue('api', onLoopback), authority.ca));
  const shows = clients === 'required' ? await authority.issue('the test') : undefined;
  const channel = channelOf('127.0.0.1:0', { ca: authority.ca, shows });
  const run = stack.use(await startTestPlane({ tls: { files: tls.files, clients } }, createFakeKafka(), channel));
  const owned = stack.move();
  return {
    ...{ run, tls },
    open: (client = {}) => owned.use(tlsTenants(run.plane.port, { ca: authority.ca, ...client })),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Gives a principal a role. */
async function give({ access }: Pick<Running, 'access'>, principal: string, role: RoleName): Promise<void> {
  const roleBinding = RoleBinding.fromPartial({ principal, role: roleNamed(role) ?? 'ROLE_UNSPECIFIED' });
  await access.createRoleBinding({ roleBindingId: '', roleBinding, requestId: '' });
}

test('a key opens over TLS, to who believes the authority and dials a name of the certificate, and to no other', async () => {
  await using s = await scene();
  await s.open({ authorization: bearer }).tenants.listTenants(list);
  await s.open({ authorization: bearer, serverName: 'api.example.com' }).tenants.listTenants(list);
  const told = async (client: Partial<TlsClient>) =>
    (await failure(s.open({ authorization: bearer, ...client }).tenants.listTenants(list))).message;
  assert.match(await told({ ca: stranger.ca }), /self-signed certificate|unable to verify/);
  assert.match(await told({ serverName: 'other.example.com' }), /does not match certificate's altnames/);
});

test('who speaks plaintext to it is not answered, and others are meanwhile', async () => {
  await using s = await scene();
  const client = new TenantServiceClient(`127.0.0.1:${s.run.plane.port}`, credentials.createInsecure());
  using plain = { tenants: calls(client, bearer), [Symbol.dispose]: () => client.close() };
  const [refused] = await Promise.all([
    failure(plain.tenants.listTenants(list)),
    s.open({ authorization: bearer }).tenants.listTenants(list),
  ]);
  assert.equal(refused.code, 'UNAVAILABLE');
});

test('a client certificate is a principal of its own, that role bindings name; what is shown in the call goes before it', async () => {
  await using s = await scene();
  const shows = await authority.issue('router', { names: 'URI:spiffe://acme/router,DNS:router.acme' });
  const { tenants } = s.open({ shows });
  assert.equal((await failure(tenants.listTenants(list))).code, 'PERMISSION_DENIED');
  await give(s.run, 'certificate/uri:spiffe://acme/router', 'operator');
  await tenants.listTenants(list);
  const creation = { tenantId: 'acme', tenant: undefined, requestId: '' };
  assert.equal((await failure(tenants.createTenant(creation))).code, 'PERMISSION_DENIED');
  await s.open({ shows, authorization: bearer }).tenants.createTenant(creation);
  const wrong = await failure(s.open({ shows, authorization: `${bearer}x` }).tenants.listTenants(list));
  assert.equal(wrong.code, 'UNAUTHENTICATED');
});

test('a certificate of another authority, an ended one and none are all the same: nobody', async () => {
  await using s = await scene();
  await give(s.run, 'certificate/dns:router.acme', 'admin');
  const names = 'DNS:router.acme';
  const shown = [
    undefined,
    await stranger.issue('router', { names }),
    await authority.issue('router', { names, days: -1 }),
  ];
  for (const shows of shown) {
    const { code, message } = await failure(s.open({ shows }).tenants.listTenants(list));
    assert.deepEqual([code, message], ['UNAUTHENTICATED', 'send an API key: metadata "authorization: Bearer prk_…"']);
  }
});

test('where clients must show a certificate, one without is not even heard', async () => {
  await using s = await scene('required');
  const refused = await failure(s.open({ authorization: bearer }).tenants.listTenants(list));
  assert.equal(refused.code, 'UNAVAILABLE');
  const shows = await authority.issue('router', { names: 'DNS:router.acme' });
  await s.open({ shows, authorization: bearer }).tenants.listTenants(list);
});

/** Resolves when the log holds such a line behind those that it had. */
function told({ run }: Scene, line: RegExp, behind = 0): Promise<unknown> {
  const isTold = () => run.log.lines.slice(behind).some(({ message }) => line.test(message));
  return waitFor(isTold, { what: String(line) });
}

test('a new certificate is shown within a second, a broken one is told and changes nothing, and calls go on', async () => {
  await using s = await scene();
  const first = s.open({ authorization: bearer });
  await first.tenants.listTenants(list);
  const next = await stranger.issue('api', onLoopback);
  await s.tls.write({ certFile: next.cert });
  await told(s, /^api\.certificate-unusable/);
  await s.open({ authorization: bearer }).tenants.listTenants(list);
  await s.tls.write({ keyFile: 'half' });
  await s.open({ authorization: bearer }).tenants.listTenants(list);
  const behind = s.run.log.lines.length;
  await s.tls.write({ keyFile: next.key });
  await told(s, /^api\.certificate-usable/, behind);
  await s.open({ authorization: bearer, ca: stranger.ca }).tenants.listTenants(list);
  await first.tenants.listTenants(list);
  assert.equal((await failure(s.open({ authorization: bearer }).tenants.listTenants(list))).code, 'UNAVAILABLE');
});

test('clients of an authority that is taken out are not believed any more, also not those who are connected', async () => {
  await using s = await scene();
  await give(s.run, 'certificate/dns:router.acme', 'admin');
  const { tenants } = s.open({ shows: await authority.issue('router', { names: 'DNS:router.acme' }) });
  await tenants.listTenants(list);
  await s.tls.write({ clientCaFile: stranger.ca });
  const isRefused = () =>
    tenants.listTenants(list).then(
      () => false,
      ({ code }: { code: number }) => code === status.UNAUTHENTICATED,
    );
  await waitFor(isRefused, { what: 'the connected one to be refused' });
});
