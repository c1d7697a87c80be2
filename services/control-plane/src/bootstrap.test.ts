/** The first key, which stands in the environment. Double: Kafka. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '@postrider/core';
import { createFakeKafka } from '@postrider/kafka/testing';
import { ADMIN_KEY, failure, startTestPlane } from '../testing/harness.ts';
import { parseApiKey } from './api-key.ts';
import type { Running } from '../testing/harness.ts';

const list = { pageSize: 0, pageToken: '', filter: '', orderBy: '' };
const name = 'apiKeys/test';

const closings: readonly (readonly [string, (run: Running) => Promise<unknown>])[] = [
  ['revoked', ({ access }) => access.revokeApiKey({ name, etag: '', force: true })],
  ['deleted', ({ access }) => access.deleteApiKey({ name, etag: '', force: true })],
  [
    'given an end',
    async ({ access, port }) => {
      const apiKey = await access.getApiKey({ name });
      const expireTime = new Date(port.clock.now() + 60_000);
      return access.updateApiKey({ apiKey: { ...apiKey, expireTime }, updateMask: ['expire_time'] });
    },
  ],
];

for (const [what, close] of closings) {
  test(`a first key that was ${what} stays so, though it still stands in the environment of the next leader`, async () => {
    const kafka = createFakeKafka();
    await using first = await startTestPlane({}, kafka);
    await close(first);
    const expireTime = first.plane.view.snapshot().apiKey('test')?.expireTime;
    await first.stop();
    await using second = await startTestPlane({}, kafka);
    const after = second.plane.view.snapshot().apiKey('test');
    assert.equal(after === undefined, what === 'deleted');
    assert.deepEqual(after?.expireTime, expireTime);
    if (what === 'given an end') return;
    assert.equal((await failure(second.tenants.listTenants(list))).code, 'UNAUTHENTICATED');
    const told = second.log.lines.filter(({ message }) => message.includes('POSTRIDER_BOOTSTRAP_ADMIN_KEY'));
    assert.equal(told.length, what === 'deleted' ? 1 : 0);
  });
}

test('another secret under its id takes its place, also when it was revoked', async () => {
  const kafka = createFakeKafka();
  const other = parseApiKey(new Secret(`${ADMIN_KEY}b2`));
  await using first = await startTestPlane({ bootstrapAdminKey: other }, kafka);
  assert.equal((await failure(first.tenants.listTenants(list))).code, 'UNAUTHENTICATED');
  await first.stop();
  await using second = await startTestPlane({}, kafka);
  await second.tenants.listTenants(list);
});
