/** What becomes of a control plane whose topic tells of less than was written. Double: Kafka. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeKafka } from '@postrider/kafka/testing';
import { CONFIG_TOPIC, failure, startTestPlane } from '../testing/harness.ts';
import { serverLimits } from './server-limits.ts';
import type { FakeKafka } from '@postrider/kafka/testing';

const creation = (tenantId: string) => ({ tenantId, tenant: undefined, requestId: '' });

/** A cluster on which a control plane has written two tenants, and noted so. */
async function writtenCluster(): Promise<{ readonly kafka: FakeKafka; readonly revision: string }> {
  const kafka = createFakeKafka();
  await using run = await startTestPlane({}, kafka);
  await run.tenants.createTenant(creation('acme'));
  const { revision } = await run.tenants.createTenant(creation('bell'));
  await run.stop();
  return { kafka, revision };
}

const losses: readonly (readonly [string, (kafka: FakeKafka) => void])[] = [
  ['deleted', (kafka) => kafka.deleteTopic(CONFIG_TOPIC)],
  ['truncated', (kafka) => kafka.truncate(CONFIG_TOPIC, 0, kafka.records(CONFIG_TOPIC).at(-1)?.offset ?? 0)],
  ['emptied', (kafka) => kafka.truncate(CONFIG_TOPIC, 0, 0)],
];

for (const [what, lose] of losses) {
  test(`a topic that was ${what} is not believed: nothing is written, and the operator is told what to do`, async () => {
    const { kafka, revision } = await writtenCluster();
    lose(kafka);
    await using run = await startTestPlane({}, kafka);
    const before = kafka.records(CONFIG_TOPIC).length;
    const [told] = run.log.lines.filter(({ message }) => message === 'config.read-only');
    assert.match(String(told?.fields['why']), new RegExp(`POSTRIDER_ACCEPT_CONFIG_LOSS=${revision}`));
    assert.match(run.plane.role(), /^read-only: /);
    assert.equal(kafka.records(CONFIG_TOPIC).length, before);
    await run.stop();
    await using again = await startTestPlane({ acceptConfigLoss: revision }, kafka);
    assert.equal(again.plane.role(), 'leader');
    const next = await again.tenants.createTenant(creation('next'));
    assert.ok(BigInt(next.revision) > BigInt(revision), 'what was routed by a lost revision waits for no older one');
  });
}

test('a loss that was accepted before does not cover the next one', async () => {
  const { kafka, revision } = await writtenCluster();
  kafka.truncate(CONFIG_TOPIC, 0, 0);
  await using run = await startTestPlane({ acceptConfigLoss: String(BigInt(revision) - 1n) }, kafka);
  assert.match(run.plane.role(), /^read-only: /);
});

test('a leader whose topic is emptied under it keeps what it knows, answers reads and takes no more changes', async () => {
  const kafka = createFakeKafka();
  await using run = await startTestPlane({}, kafka);
  await run.tenants.createTenant(creation('acme'));
  kafka.truncate(CONFIG_TOPIC, 0, 1);
  const until = performance.now() + 3 * serverLimits.markEveryMs;
  while (run.plane.role() === 'leader' && performance.now() < until) await new Promise(setImmediate);
  const refused = await failure(run.tenants.createTenant(creation('bell')));
  assert.deepEqual([refused.code, refused.reason], ['FAILED_PRECONDITION', 'READ_ONLY']);
  assert.match(refused.message, /ends at offset 1, but was read up to/);
  assert.equal((await run.tenants.getTenant({ name: 'tenants/acme' })).name, 'tenants/acme');
});

test('a replica that is told to be read-only does not lead, answers reads and refuses changes', async () => {
  const { kafka } = await writtenCluster();
  await using run = await startTestPlane({ readOnly: true }, kafka);
  assert.equal((await run.tenants.getTenant({ name: 'tenants/acme' })).name, 'tenants/acme');
  const refused = await failure(run.tenants.createTenant(creation('more')));
  assert.deepEqual([refused.code, refused.reason], ['FAILED_PRECONDITION', 'READ_ONLY']);
  assert.equal(run.plane.role(), 'read-only: POSTRIDER_READ_ONLY');
});
