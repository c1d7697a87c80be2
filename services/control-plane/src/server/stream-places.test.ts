import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PostriderError } from '@postrider/core';
import { createStreamPlaces } from './stream-places.ts';
import type { Grant } from '@postrider/core';

const grantsIn = (...tenants: readonly string[]): { readonly grants: readonly Grant[] } => ({
  grants: tenants.map((tenant) => ({ role: 'publisher', tenant })),
});

test('there are so many places, fewer for one tenant, and each is free again when it is given back', () => {
  const places = createStreamPlaces({ most: 4, mostOfTenant: 2, what: 'reads' });
  const isTaken = (...tenants: readonly string[]): (() => void) | null => {
    try {
      return places.take(grantsIn(...tenants));
    } catch (error) {
      assert.ok(error instanceof PostriderError && error.code === 'limit_reached');
      return null;
    }
  };
  const leave = isTaken('acme');
  assert.ok(leave !== null && isTaken('acme') !== null);
  assert.equal(isTaken('acme'), null);
  assert.ok(isTaken('acme', 'globex') !== null);
  assert.ok(isTaken('') !== null);
  assert.equal(isTaken('globex'), null, 'all are taken');
  leave();
  assert.ok(isTaken('acme') !== null);
  assert.equal(isTaken(''), null);
  assert.equal(isTaken('acme', ''), null, 'who has a role in all tenants is of no tenant');
});
