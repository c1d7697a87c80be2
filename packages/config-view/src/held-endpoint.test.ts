import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createConfigFold } from './fold.ts';
import { configRecord, endpointEntity } from './test-records.ts';
import type { ConfigSnapshot } from './snapshot.ts';

function snapshotOf(count: number): ConfigSnapshot {
  const fold = createConfigFold();
  for (let n = 0; n < count; n += 1) {
    const record = configRecord(`endpoint/ep_${n}`, 0, n + 1, endpointEntity('t', `ep_${n}`, undefined, `e${n}`));
    fold.apply(record.placed(n));
  }
  return fold.snapshot();
}

test('who has an endpoint in hand is given the same object again, until another record of it comes', () => {
  const fold = createConfigFold();
  fold.apply(configRecord('endpoint/ep_1', 0, 1, endpointEntity('t', 'ep_1', undefined, 'e')).placed(0));
  const first = fold.snapshot().endpoint('ep_1');
  assert.equal(fold.snapshot().endpoint('ep_1'), first);
  assert.equal(fold.snapshot().endpointByName('tenants/t/endpoints/e'), first);
  assert.equal([...fold.snapshot().endpoints()][0], first);
  fold.apply(configRecord('endpoint/ep_1', 0, 2, endpointEntity('t', 'ep_1', undefined, 'e')).placed(1));
  assert.notEqual(fold.snapshot().endpoint('ep_1'), first);
  assert.deepEqual(fold.snapshot().endpoint('ep_1'), first);
});

test('ids and names are told of every endpoint, also of a tenant’s alone', () => {
  const snapshot = snapshotOf(3);
  const ids = [...snapshot.endpointIds()].map(({ uid, name }) => `${uid} ${name}`).toSorted();
  assert.deepEqual(ids, ['ep_0 tenants/t/endpoints/e0', 'ep_1 tenants/t/endpoints/e1', 'ep_2 tenants/t/endpoints/e2']);
  assert.equal(snapshot.endpointIdsOf('t').length, 3);
  assert.deepEqual(snapshot.endpointIdsOf('other'), []);
});

test('an endpoint takes little more than its record, also after all were looked at', () => {
  const count = 20_000;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = (): number => {
    collect();
    return process.memoryUsage().heapUsed + process.memoryUsage().external;
  };
  const before = used();
  const snapshot = snapshotOf(count);
  for (const endpoint of snapshot.endpoints()) assert.ok(endpoint.endpoint !== undefined);
  const each = (used() - before) / count;
  assert.ok(each < 700, `${Math.round(each)} bytes`);
  assert.equal(snapshot.endpointCount('t'), count);
});
