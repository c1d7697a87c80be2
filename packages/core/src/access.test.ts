import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accessRule, mayGrant, reachOf, roleName, roleNamed, tenantOfName, tenantOfRequest } from './access.ts';
import type { AccessRule, Grant } from './access.ts';

const inTenant: AccessRule = { roles: ['admin', 'tenant-admin'], effect: 'write', tenant: 'name' };
const cut: AccessRule = { ...inTenant, tenant: '-' };
const atLarge: AccessRule = { ...inTenant, tenant: '' };
const bound: Grant = { role: 'tenant-admin', tenant: 'acme' };

test('a role in one tenant reaches that tenant; elsewhere the call goes on and finds nothing', () => {
  assert.deepEqual(reachOf(inTenant, [bound], 'acme'), new Set(['acme']));
  assert.deepEqual(reachOf(inTenant, [bound], 'other'), new Set(['acme']));
  assert.deepEqual(reachOf(cut, [bound, { role: 'admin', tenant: 'b' }], null), new Set(['acme', 'b']));
});

test('what is of the whole installation, or names no tenant, asks for a role in all of them', () => {
  assert.equal(reachOf(atLarge, [bound], null), null);
  assert.equal(reachOf(inTenant, [bound], null), null);
  for (const rule of [inTenant, cut, atLarge]) {
    assert.equal(reachOf(rule, [{ role: 'tenant-admin', tenant: '' }], null), 'all');
  }
});

test('a tenant that the caller knows refuses what its role there does not allow', () => {
  const grants = [bound, { role: 'tenant-viewer', tenant: 'known' }];
  assert.equal(reachOf(inTenant, grants, 'known'), null);
  assert.deepEqual(reachOf(inTenant, grants, 'unknown'), new Set(['acme']));
  assert.equal(reachOf(inTenant, [{ role: 'tenant-viewer', tenant: 'known' }], 'unknown'), null);
});

test('no grants, unknown roles and unknown methods give nothing', () => {
  for (const rule of [inTenant, cut, atLarge]) {
    assert.equal(reachOf(rule, [], 'acme'), null);
    assert.equal(reachOf(rule, [{ role: 'root', tenant: '' }], 'acme'), null);
  }
  for (const method of ['', 'toString', 'GetNothing', 'SkipWork']) assert.equal(accessRule(method), null);
});

test('nobody gives more than he has: who was given something reaches nothing that the giver does not', () => {
  const roles = ['admin', 'operator', 'tenant-admin', 'tenant-viewer', 'publisher', 'secret-reader'] as const;
  const grant = fc.record({ role: fc.constantFrom(...roles), tenant: fc.constantFrom('', 'a', 'b') });
  const rules = ['CreateEndpoint', 'GetEndpoint', 'DeleteTenant', 'ListDispatchers', 'MoveDelivery', 'PauseDeliveries'];
  fc.assert(
    fc.property(
      grant,
      grant,
      fc.constantFrom(...rules),
      fc.constantFrom('a', 'b', null),
      (giver, given, method, named) => {
        fc.pre(mayGrant([giver], given));
        const rule = accessRule(method);
        assert.ok(rule !== null);
        const theirs = reachOf(rule, [given], named);
        const ours = reachOf(rule, [giver], named);
        if (theirs === null || ours === 'all') return;
        assert.ok(
          theirs !== 'all' && ours !== null && theirs.isSubsetOf(ours),
          `${JSON.stringify({ giver, given, method })}`,
        );
      },
    ),
  );
  assert.ok(mayGrant([bound], { role: 'tenant-viewer', tenant: 'acme' }));
  for (const given of [
    { role: 'tenant-viewer', tenant: '' },
    { role: 'operator', tenant: 'acme' },
    { role: 'publisher', tenant: 'other' },
  ]) {
    assert.ok(!mayGrant([bound], given));
  }
});

test('the tenant stands where the rule says, and only a tenant’s name has one', () => {
  const rule: AccessRule = { ...inTenant, tenant: 'endpoint.name' };
  assert.equal(tenantOfRequest(rule, { endpoint: { name: 'tenants/acme/endpoints/a' } }), 'acme');
  for (const request of [
    {},
    { endpoint: undefined },
    { endpoint: { name: 'egressPools/a' } },
    { endpoint: { name: 7 } },
  ]) {
    assert.equal(tenantOfRequest(rule, request), null);
  }
  assert.equal(tenantOfName('tenants'), null);
  assert.equal(tenantOfName('tenants/'), '');
  assert.equal(tenantOfRequest(cut, { name: 'tenants/acme' }), null);
});

test('roles have names, and what is none has none', () => {
  assert.equal(roleName('ROLE_TENANT_ADMIN'), 'tenant-admin');
  assert.equal(roleNamed('tenant-admin'), 'ROLE_TENANT_ADMIN');
  assert.equal(roleName('UNRECOGNIZED'), null);
  assert.equal(roleNamed('root'), undefined);
});
