/** Callers with tokens, over real sockets. Doubles: Kafka, the issuer. Observed: answers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { TenantServiceClient } from '@postrider/contract/postrider/v1/tenant_service';
import { createFakeKafka } from '@postrider/kafka/testing';
import { calls, failure, startTestPlane, type Running } from '../../testing/harness.ts';
import { creation } from '../../testing/replicas.ts';
import { AUDIENCE, claims, ISSUER, issuerKey, joined, signed, type IssuerKey } from '../../testing/tokens.ts';
import type { Role } from '@postrider/contract/postrider/v1/access';

const list = { pageSize: 0, pageToken: '', filter: '', orderBy: '' };
const folder = mkdtempSync(join(tmpdir(), 'postrider-tokens-'));
let key: IssuerKey;
let leader: Running;
let follower: Running;
before(async () => {
  key = await issuerKey('one');
  const path = join(folder, 'keys.json');
  writeFileSync(path, JSON.stringify({ keys: [key.jwk] }));
  const believed = { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['ES256'], groupsClaim: 'groups' };
  const jwt = { ...believed, clockSkewMs: 30_000, keys: { kind: 'file', path } as const };
  const kafka = createFakeKafka();
  leader = await startTestPlane({ jwt }, kafka);
  follower = await startTestPlane({ jwt }, kafka);
});
after(async () => {
  await follower.stop();
  await leader.stop();
  rmSync(folder, { recursive: true });
});

/** Calls of tenants with this token. */
function tenantsWith(token: string, { plane }: Running = leader) {
  const client = new TenantServiceClient(`127.0.0.1:${plane.port}`, credentials.createInsecure());
  return { tenants: calls(client, `Bearer ${token}`), [Symbol.dispose]: () => client.close() };
}

async function give(principal: string, role: Role, tenant = ''): Promise<string> {
  const roleBinding = RoleBinding.fromPartial({ principal, role, tenant });
  return (await leader.access.createRoleBinding({ roleBindingId: '', roleBinding, requestId: '' })).name;
}

test('a subject may do what role bindings give to it and to its groups, until they are taken away', async () => {
  const token = await signed(key, claims(Date.now(), { sub: 'carol', groups: ['on-call', 'shop'] }));
  using caller = tenantsWith(token);
  assert.equal((await failure(caller.tenants.listTenants(list))).code, 'PERMISSION_DENIED');
  await leader.tenants.createTenant(creation('shop'));
  await leader.tenants.createTenant(creation('other'));
  await give('group/shop', 'ROLE_TENANT_VIEWER', 'tenants/shop');
  const seen = async () => (await caller.tenants.listTenants(list)).tenants.map(({ name }) => name);
  assert.deepEqual(await seen(), ['tenants/shop']);
  const name = await give('user/carol', 'ROLE_OPERATOR');
  assert.deepEqual((await seen()).toSorted(), ['tenants/other', 'tenants/shop']);
  await leader.access.deleteRoleBinding({ name, etag: '', force: false });
  assert.deepEqual(await seen(), ['tenants/shop']);
});

test('a token goes along to the leader, who verifies it by himself', async () => {
  await give('user/dave', 'ROLE_ADMIN');
  using caller = tenantsWith(await signed(key, claims(Date.now(), { sub: 'dave' })), follower);
  await caller.tenants.createTenant(creation('by-token'));
  const line = leader.log.lines.find(({ fields }) => fields['resource'] === 'tenants/by-token');
  assert.equal(line?.fields['actor'], 'user/dave');
});

test('all tokens that open nothing are answered alike, and nothing of them is in the log', async () => {
  const now = Date.now();
  const stranger = await issuerKey('one');
  const bad = [
    await signed(key, claims(now, { exp: 1 })),
    await signed(key, claims(now, { aud: 'canary-audience' })),
    await signed(key, claims(now, { iss: 'canary-issuer' })),
    await signed(stranger, claims(now)),
    await signed({ ...key, kid: 'canary-kid' }, claims(now)),
    joined('{"alg":"none"}', JSON.stringify(claims(now))),
    joined('canary', 'canary'),
  ];
  for (const token of bad) {
    using caller = tenantsWith(token);
    const { code, message, reason } = await failure(caller.tenants.listTenants(list));
    assert.deepEqual([code, message, reason], ['UNAUTHENTICATED', 'the token is not valid', 'UNAUTHENTICATED']);
  }
  const whole = [...leader.log.lines, ...follower.log.lines].map((line) => JSON.stringify(line)).join('\n');
  for (const token of bad) assert.ok(!whole.includes(token.split('.')[1] ?? ''));
  assert.ok(!whole.includes('canary'));
});

test('where no issuer is named, a token is no key', async () => {
  await using run = await startTestPlane();
  using caller = tenantsWith(await signed(key, claims(Date.now())), run);
  const { code, message } = await failure(caller.tenants.listTenants(list));
  assert.deepEqual([code, message], ['UNAUTHENTICATED', 'the API key is not valid']);
});
