import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from './limits.ts';
import { createTenantParts } from './tenant-parts.ts';

const start = (parts: ReturnType<typeof createTenantParts>, tenant: string, count: number, now = 0): void => {
  for (let i = 0; i < count; i += 1) parts.started(tenant, now);
};

test('whoever is alone may have all, and half of it while there was another a minute ago', () => {
  const parts = createTenantParts(100);
  start(parts, 'one', 99);
  assert.equal(parts.isWithin('one', 0), true);
  start(parts, 'one', 1);
  assert.equal(parts.isWithin('one', 0), false);
  parts.ended('one', 51);
  start(parts, 'other', 1, 1);
  parts.ended('other', 1);
  assert.equal(parts.isWithin('one', 1), true);
  start(parts, 'one', 1, 2);
  assert.equal(parts.isWithin('one', 2), false);
  assert.equal(parts.isWithin('one', 2 + limits.tenantKnownMs), true);
});

test('the part is an equal one of those that have something in flight or wait', () => {
  const parts = createTenantParts(100);
  start(parts, 'a', 25);
  for (const tenant of ['b', 'c', 'd']) parts.waits(tenant, 1);
  assert.equal(parts.isWithin('a', 0), false);
  parts.waits('d', -1);
  assert.equal(parts.isWithin('a', 0), true);
  assert.equal(parts.isWithin('b', 0), true);
});

test('with more tenants than requests each may have one', () => {
  const parts = createTenantParts(2);
  for (const tenant of ['a', 'b', 'c', 'd', 'e']) parts.waits(tenant, 1);
  assert.equal(parts.isWithin('a', 0), true);
  start(parts, 'a', 1);
  assert.equal(parts.isWithin('a', 0), false);
});
