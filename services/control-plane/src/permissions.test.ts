import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorize, authorizeSomewhere } from './permissions.ts';
import type { MethodName } from '@postrider/core';

const viewer = { grants: [{ role: 'tenant-viewer', tenant: 'acme' }] };

function denied(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  return 'allowed';
}

test('who may not call a method is told which roles it takes, and where', () => {
  const create = (parent: string) => denied(() => authorize('CreateEndpoint', viewer, { parent }));
  assert.equal(
    create('tenants/acme'),
    'you may not call CreateEndpoint here: it takes admin or tenant-admin in tenants/acme, or in all',
  );
  assert.match(
    denied(() => authorizeSomewhere('CreateEndpoint', viewer)),
    /takes admin or tenant-admin in the tenant, or/,
  );
  assert.match(
    denied(() => authorize('CreateTenant', viewer, {})),
    /it takes admin in all tenants$/,
  );
  // What is no tenant's name is not said after the caller.
  assert.ok(!create('tenants/No Such').includes('No Such'));
});

test('a method without a rule may be called by nobody, and no role is named', () => {
  const method = 'NoSuchMethod' as MethodName;
  assert.equal(
    denied(() => authorize(method, viewer, {})),
    'you may not call NoSuchMethod here',
  );
});
