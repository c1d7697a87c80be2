import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Role } from '@postrider/contract/postrider/v1/access';
import { grantOf } from './authenticate.ts';

test('only the empty tenant of a binding means all: what is no tenant’s name is nobody’s', () => {
  const role = Role.TENANT_ADMIN;
  assert.deepEqual(grantOf({ role, tenant: '' }), { role: 'tenant-admin', tenant: '' });
  assert.deepEqual(grantOf({ role, tenant: 'tenants/acme' }), { role: 'tenant-admin', tenant: 'acme' });
  for (const tenant of ['tenants/', 'tenants', '/', 'egressPools/acme'])
    assert.notEqual(grantOf({ role, tenant }).tenant, '');
  assert.equal(grantOf({ role: 'UNRECOGNIZED', tenant: '' }).role, '');
});
