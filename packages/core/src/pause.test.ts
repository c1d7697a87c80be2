import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pause } from '@postrider/contract/postrider/v1/pause';
import { isInForce, pauseIdOf, pauseIdsFor, pausesOf } from './pause.ts';

const shop = { tenant: 'acme', endpointId: 'ep_1', pool: 'eu' };
const pauseOf = (name: string, fields: Partial<Pause> = {}): Pause => Pause.fromPartial({ name, ...fields });

test('everything, the egress pool, the tenant and the endpoint each keep a delivery, and nobody else’s does', () => {
  const names = ['installation', 'egressPools/eu', 'tenants/acme', 'tenants/acme/endpoints/shop'];
  const others = ['egressPools/us', 'tenants/acm', 'endpoints/ep_2'];
  const pauses = [...names, ...others].map((name) =>
    pauseOf(name, { endpointUid: name.includes('/shop') ? 'ep_1' : '' }),
  );
  const byId = new Map(pauses.map((pause) => [pauseIdOf(pause), pause]));
  assert.deepEqual(
    pausesOf(shop, (id) => byId.get(id), 0).map(({ name }) => name),
    names,
  );
  assert.equal(pauseIdsFor(shop).length, 4);
});

test('a pause with an end is over at that moment, one without never', () => {
  const ending = pauseOf('installation', { expireTime: new Date(1_000) });
  assert.equal(isInForce(ending, 999), true);
  assert.equal(isInForce(ending, 1_000), false);
  assert.equal(isInForce(pauseOf('installation'), Number.MAX_SAFE_INTEGER), true);
  assert.deepEqual(
    pausesOf(shop, () => ending, 1_000),
    [],
  );
});
