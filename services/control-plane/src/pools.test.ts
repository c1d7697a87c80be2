/** Which egress pools tenants and endpoints may choose, over gRPC: `testing/harness.ts` says what is a double. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { Tenant } from '@postrider/contract/postrider/v1/tenant';
import { parsePools } from '@postrider/egress';
import { failure, startTestPlane } from '../testing/harness.ts';

const definitions = { partners: { kind: 'nat' }, second: { kind: 'nat' } };
const pools = parsePools(JSON.stringify(definitions), () => '');
const run = await startTestPlane({ pools });
after(() => run.stop());

let tenants = 0;
const quotas = (...egressPools: string[]) => ({ endpointsMax: 0, deliveriesPerSecond: 0, egressPools });
const createTenant = (...egressPools: string[]) => {
  tenants += 1;
  const tenant = Tenant.fromPartial({ quotas: quotas(...egressPools) });
  return run.tenants.createTenant({ tenantId: `acme-${tenants}`, tenant, requestId: '' });
};
const createEndpoint = (parent: string, egressPool: string) => {
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/in', egressPool });
  return run.endpoints.createEndpoint({ parent, endpointId: '', endpoint, requestId: '' });
};
const change = (name: string, fields: Partial<Endpoint>, ...updateMask: string[]) =>
  run.endpoints.updateEndpoint({ endpoint: { ...Endpoint.fromPartial({ name }), ...fields }, updateMask });

test('an endpoint may use the pools that its tenant may; without any, the default pool', async () => {
  const plain = await createTenant();
  const own = 'endpoint.egress_pool: must be one of the egress pools that';
  for (const pool of ['', 'egressPools/default'])
    assert.equal((await createEndpoint(plain.name, pool)).egressPool, pool);
  for (const pool of ['egressPools/partners', 'egressPools/nowhere', 'default', 'egressPools/', 'egressPools/a/b']) {
    const { violations, code } = await failure(createEndpoint(plain.name, pool));
    assert.deepEqual(
      [code, violations],
      ['INVALID_ARGUMENT', [`${own} ${plain.name} may use: egressPools/default`]],
      pool,
    );
  }
  const partner = await createTenant('egressPools/partners', 'egressPools/second');
  const { name } = await createEndpoint(partner.name, 'egressPools/partners');
  const mayUse = `${own} ${partner.name} may use: egressPools/partners, egressPools/second`;
  assert.deepEqual((await failure(createEndpoint(partner.name, ''))).violations, [mayUse]);
  const changed = await change(name, { egressPool: 'egressPools/second' }, 'egress_pool');
  assert.equal(changed.egressPool, 'egressPools/second');
  assert.deepEqual((await failure(change(name, {}, 'egress_pool'))).violations, [mayUse]);
});

test('a tenant may be given pools that there are, each once, and keeps those that its endpoints use', async () => {
  const known = 'must be one of egressPools/default, egressPools/partners, egressPools/second';
  assert.deepEqual(
    (await failure(createTenant('partners', 'egressPools/second', 'egressPools/third', ''))).violations,
    [
      `tenant.quotas.egress_pools[0]: ${known}`,
      `tenant.quotas.egress_pools[2]: ${known}`,
      `tenant.quotas.egress_pools[3]: ${known}`,
    ],
  );
  const twice = await failure(createTenant('egressPools/second', 'egressPools/second'));
  assert.deepEqual(twice.violations, ['tenant.quotas.egress_pools[1]: names a pool twice']);
  const tenant = await createTenant('egressPools/partners', 'egressPools/default');
  const { name } = await createEndpoint(tenant.name, 'egressPools/partners');
  const give = (...egressPools: string[]) =>
    run.tenants.updateTenant({
      tenant: Tenant.fromPartial({ name: tenant.name, quotas: quotas(...egressPools) }),
      updateMask: ['quotas.egress_pools'],
    });
  for (const egressPools of [[], ['egressPools/default'], ['egressPools/second']]) {
    assert.deepEqual((await failure(give(...egressPools))).violations, [
      `tenant.quotas.egress_pools: leaves out egressPools/partners, which ${name} uses`,
    ]);
  }
  const { quotas: given } = await give('egressPools/second', 'egressPools/partners');
  assert.deepEqual(given?.egressPools, ['egressPools/second', 'egressPools/partners']);
});

test('a pool that the installation has given up keeps nobody from changing other things', async () => {
  await using before = await startTestPlane({ pools });
  const tenant = Tenant.fromPartial({ quotas: quotas('egressPools/partners') });
  const { name: parent } = await before.tenants.createTenant({ tenantId: 'late', tenant, requestId: '' });
  const endpoint = Endpoint.fromPartial({ url: 'https://hooks.acme.dev/in', egressPool: 'egressPools/partners' });
  const { name } = await before.endpoints.createEndpoint({ parent, endpointId: '', endpoint, requestId: '' });
  await before.stop();
  await using later = await startTestPlane({}, before.kafka);
  const renamed = await later.endpoints.updateEndpoint({
    endpoint: Endpoint.fromPartial({ name, displayName: 'Renamed' }),
    updateMask: ['display_name'],
  });
  assert.equal(renamed.egressPool, 'egressPools/partners');
  await later.tenants.updateTenant({
    tenant: Tenant.fromPartial({ name: parent, displayName: 'Renamed' }),
    updateMask: ['display_name'],
  });
  const { fields } = await failure(
    later.endpoints.updateEndpoint({
      endpoint: Endpoint.fromPartial({ name, egressPool: 'egressPools/second' }),
      updateMask: ['egress_pool'],
    }),
  );
  assert.deepEqual(fields, ['endpoint.egress_pool']);
});
