/**
 * Two replicas that speak TLS, and calls that the one passes on to the other. Double: Kafka. Observed: answers, and whom the
 * leader takes the caller for.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Metadata, status } from '@grpc/grpc-js';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import {
  CreateTenantRequest,
  TenantServiceClient,
  TenantServiceService,
} from '@postrider/contract/postrider/v1/tenant_service';
import { createFakeKafka } from '@postrider/kafka/testing';
import { readTlsFiles, systemClock } from '@postrider/runtime';
import { createTestAuthority, type TestAuthority } from '../../../../test/support/certificates.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { calls, failure, startTestPlane } from '../../testing/harness.ts';
import { creation } from '../../testing/replicas.ts';
import { channelOf, tlsTenants, writtenTls } from '../../testing/tls.ts';
import { FORWARDED_METADATA } from '../call-routing.ts';
import { createForwardCall } from '../forward-call.ts';
import { createReplicaChannels } from './replica-channel.ts';
import type { ServiceError } from '@grpc/grpc-js';
import type { Running } from '../../testing/harness.ts';
import type { WrittenTls } from '../../testing/tls.ts';
import type { ApiTls } from './tls-env.ts';

const serverName = 'api.example.com';
const names = `DNS:${serverName}`;
let authority: TestAuthority;
let stranger: TestAuthority;
before(async () => {
  [authority, stranger] = await Promise.all([createTestAuthority('ours'), createTestAuthority('theirs')]);
});
after(() => Promise.all([authority[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()]));

interface Scene extends AsyncDisposable {
  readonly tls: WrittenTls;
  readonly leader: Running;
  readonly follower: Running;
}

/** The certificate of the replicas bears a name, and not the address at which they reach each other. */
async function twoReplicas(clients: ApiTls['clients'] = 'optional'): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const kafka = createFakeKafka();
  const tls = stack.use(await writtenTls(await authority.issue('api', { names }), authority.ca));
  const shows = await authority.issue('the test', { names: 'DNS:test.example.com' });
  const channel = channelOf('127.0.0.1:0', { ca: authority.ca, serverName, shows });
  const start = () => startTestPlane({ tls: { files: tls.files, clients, serverName } }, kafka, channel);
  const leader = stack.use(await start());
  const follower = stack.use(await start());
  assert.deepEqual([leader.plane.role(), follower.plane.role()], ['leader', 'follower']);
  const owned = stack.move();
  return { tls, leader, follower, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function makeAdmin({ access }: Running, principal: string): Promise<void> {
  const roleBinding = RoleBinding.fromPartial({ principal, role: 'ROLE_ADMIN' });
  await access.createRoleBinding({ roleBindingId: '', roleBinding, requestId: '' });
}

for (const clients of ['optional', 'required'] as const) {
  test(`a call that is passed on is its caller's, by key or by certificate; client certificates ${clients}`, async () => {
    await using s = await twoReplicas(clients);
    await s.follower.tenants.createTenant(creation('by-key'));
    const shows = await authority.issue('router', { names: 'DNS:router.acme' });
    using caller = tlsTenants(s.follower.plane.port, { ca: authority.ca, serverName, shows });
    assert.equal((await failure(caller.tenants.createTenant(creation('no-role')))).code, 'PERMISSION_DENIED');
    await makeAdmin(s.follower, 'certificate/dns:router.acme');
    await caller.tenants.createTenant(creation('by-certificate'));
    const line = s.leader.log.lines.find(({ fields }) => fields['resource'] === 'tenants/by-certificate');
    assert.equal(line?.fields['actor'], 'certificate/dns:router.acme');
  });
}

test('neither a replica’s own certificate nor what a caller writes of himself is taken for the caller', async () => {
  await using s = await twoReplicas();
  await makeAdmin(s.leader, `certificate/dns:${serverName}`);
  await makeAdmin(s.leader, 'certificate/dns:router.acme');
  const claims = { 'postrider-caller': 'certificate/dns:router.acme', 'postrider-caller-proof': 'v1 1 a b' };
  const replica = await authority.issue('api', { names });
  for (const plane of [s.leader.plane, s.follower.plane]) {
    for (const shows of [undefined, replica]) {
      const address = `127.0.0.1:${plane.port}`;
      const { credentials: secure, options } = channelOf(address, { ca: authority.ca, serverName, shows });
      const client = new TenantServiceClient(address, secure, options);
      const passedOn = calls(client, null, { ...claims, [FORWARDED_METADATA]: 'somebody' });
      assert.equal((await failure(passedOn.createTenant(creation('passed-on')))).code, 'UNAUTHENTICATED');
      client.close();
    }
  }
  using nobody = tlsTenants(s.follower.plane.port, { ca: authority.ca, serverName });
  assert.equal((await failure(nobody.tenants.createTenant(creation('nobody')))).code, 'UNAUTHENTICATED');
});

test('a leader that another authority vouches for, or that bears another name, is sent nothing', async () => {
  await using s = await twoReplicas();
  const material = await readTlsFiles(s.tls.files);
  const request = CreateTenantRequest.fromPartial({ tenantId: 'doubted' });
  const sent = async (ca: string, name: string): Promise<boolean> => {
    const tls: ApiTls = { files: s.tls.files, clients: 'optional', serverName: name };
    const channelTo = createReplicaChannels(tls, () => ({ ...material, ca }));
    using forward = createForwardCall({ processId: 'a', clock: systemClock, showing: { passOn: () => {} }, channelTo });
    forward.know(TenantServiceService);
    const rest = { getPath: () => TenantServiceService.createTenant.path, getDeadline: () => Infinity };
    const call = {
      ...rest,
      getPeer: () => '',
      request,
      metadata: new Metadata(),
      cancelled: false,
      getAuthContext: () => ({}),
    };
    const { port } = s.leader.plane;
    const answer = forward.to(`127.0.0.1:${port}`, call, new AbortController().signal);
    // It bears no authorization, and is refused for that when it arrives.
    return await answer.then(
      (routed) => routed !== null,
      ({ code }: ServiceError) => code === status.UNAUTHENTICATED,
    );
  };
  assert.equal(await sent(authority.ca, serverName), true);
  assert.deepEqual(await Promise.all([sent(stranger.ca, serverName), sent(authority.ca, 'other.example.com')]), [
    false,
    false,
  ]);
});

test('certificate and authority are both changed while calls are passed on: none fails', async () => {
  await using s = await twoReplicas();
  const reload = async (contents: Parameters<WrittenTls['write']>[0]): Promise<void> => {
    const behind = [s.leader, s.follower].map(({ log }) => log.lines.length);
    await s.tls.write(contents);
    const isDone = () =>
      [s.leader, s.follower].every(({ log }, index) =>
        log.lines.slice(behind[index]).some(({ message }) => message.startsWith('api.certificate:')),
      );
    await waitFor(isDone, { what: 'both replicas to have read it' });
  };
  let made = 0;
  const create = () => s.follower.tenants.createTenant(creation(`tenant-${(made += 1)}`));
  let over = false;
  const working = (async () => {
    while (!over) await create();
  })();
  const next = await stranger.issue('api', { names });
  await reload({ caFile: `${authority.ca}${stranger.ca}` });
  await reload({ certFile: next.cert, keyFile: next.key });
  await reload({ caFile: stranger.ca });
  const before = made;
  await waitFor(() => made > before + 3, { what: 'calls that are passed on afterwards' });
  over = true;
  await working;
});
