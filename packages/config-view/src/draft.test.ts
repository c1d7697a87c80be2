import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConfigFold } from './fold.ts';
import { configRecord, endpointEntity } from './test-records.ts';
import type { ConfigEntity } from './read-record.ts';

const put = (uid: string) => endpointEntity('t', uid) as ConfigEntity;

test('a plan costs the same in a tenant of many endpoints: what it looks at is not copied for what it puts', () => {
  const many = 20_000;
  const fold = createConfigFold();
  for (let n = 0; n < many; n += 1) {
    fold.apply(configRecord(`endpoint/ep_${n}`, 0, n + 1, put(`ep_${n}`)).placed(n));
  }
  const before = fold.snapshot();
  const draft = fold.draft();
  const cpu = process.cpuUsage();
  for (let n = 0; n < 2_000; n += 1) {
    assert.equal(draft.snapshot().endpointCount('t'), many + n);
    draft.put(`endpoint/new_${n}`, put(`new_${n}`));
  }
  const { user, system } = process.cpuUsage(cpu);
  // Copying the tenant's endpoints for each of them takes twenty times as long.
  assert.ok(user + system < 250_000, `${(user + system) / 1_000} ms of CPU`);
  assert.ok(draft.snapshot().endpointByName('tenants/t/endpoints/new_1999') !== undefined);
  assert.equal(before.endpointCount('t'), many);
});
