import assert from 'node:assert/strict';
import { test } from 'node:test';
import { egressPoolName, endpointName, shortName, subscriptionName, tenantName } from './names.ts';

test('short and whole names mean the same', () => {
  assert.equal(tenantName('acme'), 'tenants/acme');
  assert.equal(endpointName('acme/orders'), 'tenants/acme/endpoints/orders');
  assert.equal(endpointName('tenants/acme/endpoints/orders'), 'tenants/acme/endpoints/orders');
  assert.equal(subscriptionName('acme/orders/all'), 'tenants/acme/endpoints/orders/subscriptions/all');
  assert.equal(egressPoolName('partners'), 'egressPools/partners');
  assert.equal(egressPoolName('egressPools/partners'), 'egressPools/partners');
  assert.equal(egressPoolName(''), '');
  assert.equal(shortName('egressPools/partners'), 'partners');
  assert.equal(shortName('tenants/acme/endpoints/orders'), 'acme/orders');
});

test('a name with too few or empty parts is refused', () => {
  for (const text of ['acme', 'acme/', '/orders', 'a/b/c'])
    assert.throws(() => endpointName(text), /tenant\/endpoint/, text);
});
