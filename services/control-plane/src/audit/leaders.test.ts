/** The chain over the ends of those who write it. Double: Kafka. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeKafka } from '@postrider/kafka/testing';
import { auditedOf, verifiedOf } from '../../testing/audited.ts';
import { AUDIT_TOPIC, startTestPlane } from '../../testing/harness.ts';
import { creation } from '../../testing/replicas.ts';
import type { AuditHead } from '@postrider/contract/postrider/v1/audit';
import type { FakeKafka } from '@postrider/kafka/testing';

/** A control plane that makes a tenant and ends; what it said of losses. */
async function reign(kafka: FakeKafka, tenantId: string): Promise<readonly string[]> {
  await using run = await startTestPlane({}, kafka);
  await run.tenants.createTenant(creation(tenantId));
  await run.stop();
  return run.log.lines.filter(({ message }) => message === 'audit.lost').map(({ fields }) => String(fields['why']));
}

async function reigned(): Promise<{ readonly kafka: FakeKafka; readonly head: AuditHead }> {
  const kafka = createFakeKafka();
  assert.deepEqual(await reign(kafka, 'one'), []);
  return { kafka, head: verifiedOf(kafka).head };
}

test('a new leader goes on with the chain, and that it leads stands in it', async () => {
  const { kafka, head } = await reigned();
  assert.deepEqual(await reign(kafka, 'two'), []);
  const { broken } = verifiedOf(kafka, head);
  assert.equal(broken, null);
  const next = auditedOf(kafka)[Number(head.sequence)];
  assert.deepEqual([next?.principal, next?.kind, next?.resource], ['system/control-plane', 'writer', 'writer/current']);
});

test('the head is told to the log when a leader begins and ends, for whoever keeps a copy', async () => {
  const kafka = createFakeKafka();
  await using run = await startTestPlane({}, kafka);
  await run.tenants.createTenant(creation('one'));
  await run.stop();
  const { sequence, hash } = verifiedOf(kafka).head;
  const heads = run.log.lines.filter(({ message }) => message === 'audit.head').map(({ fields }) => fields);
  assert.deepEqual(heads.at(-1), { sequence: String(sequence), hash: hash.toString('hex') });
  assert.ok(heads.length >= 2);
});

test('what retention took from the beginning is missed by nobody: the rest is whole', async () => {
  const { kafka, head } = await reigned();
  const all = kafka.records(AUDIT_TOPIC);
  await using port = kafka.connect('retention');
  const offset = all.at(-2)?.offset ?? 0;
  await port.admin.deleteRecords([{ topic: AUDIT_TOPIC, partition: 0, offset }]);
  assert.deepEqual(await reign(kafka, 'two'), []);
  assert.equal(verifiedOf(kafka, head).broken, null);
  await port.admin.deleteRecords([
    { topic: AUDIT_TOPIC, partition: 0, offset: (kafka.records(AUDIT_TOPIC).at(-1)?.offset ?? 0) + 1 },
  ]);
  await reign(kafka, 'three');
  assert.ok((auditedOf(kafka)[0]?.sequence ?? 0n) > head.sequence, 'numbers are not given twice');
});

for (const [what, keep] of [
  ['whose end was cut', -2],
  ['that was emptied', 0],
] as const) {
  test(`an audit ${what} while nobody led is told, and what is missing stays missing`, async () => {
    const { kafka, head } = await reigned();
    const left = kafka.records(AUDIT_TOPIC).at(keep)?.offset ?? 0;
    kafka.truncate(AUDIT_TOPIC, 0, keep === 0 ? 0 : left);
    const why = await reign(kafka, 'two');
    assert.match(why.join(), new RegExp(`but entry ${head.sequence} was written`));
    const { broken } = verifiedOf(kafka, head);
    if (keep !== 0) assert.match(broken?.reason ?? '', /entries were removed/);
    assert.ok(auditedOf(kafka).every(({ sequence }) => keep !== 0 || sequence > head.sequence));
  });
}
