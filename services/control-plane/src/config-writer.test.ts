/** Changes that are planned together. Double: Kafka. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configKey } from '@postrider/config-view';
import { ApiKeyConfig } from '@postrider/contract/postrider/v1/config';
import { createFakeKafka } from '@postrider/kafka/testing';
import { AuditAction, AuditOutcome } from '@postrider/contract/postrider/v1/audit';
import { auditedOf, verifiedOf } from '../testing/audited.ts';
import { AUDIT_TOPIC, CONFIG_TOPIC } from '../testing/harness.ts';
import { recordsOf } from '../testing/replicas.ts';
import { openTestWriter } from '../testing/test-writer.ts';
import type { Change } from './config-writer.ts';

function putKey({ put }: Change, id: string): void {
  put(configKey('api-key', id), (revision) => ({
    $case: 'apiKey',
    value: { ...ApiKeyConfig.fromPartial({ id, revision }), hash: Buffer.alloc(32), createTime: undefined },
  }));
}

test('a change knows what those that are written with it have deleted: no id is used again', async () => {
  await using run = await openTestWriter(createFakeKafka());
  const { writer } = run;
  await writer.change('a', (change) => putKey(change, 'k1'));
  const knows = () => writer.change('b', ({ knowsDeleted }) => knowsDeleted('api-key', 'k1'));
  assert.equal(await knows(), false);
  const [, together] = await Promise.all([writer.change('a', ({ remove }) => remove('api-key/k1')), knows()]);
  assert.equal(together, true);
  assert.equal(await knows(), true);
  const again = [writer.change('a', (change) => putKey(change, 'k1')), knows()] as const;
  assert.equal((await Promise.all(again))[1], false);
});

test('a change that comes to stand before what was read is not acknowledged, and none is made behind it', async () => {
  await using run = await openTestWriter(createFakeKafka());
  const { writer, kafka } = run;
  await writer.change('a', (change) => putKey(change, 'k1'));
  kafka.truncate(CONFIG_TOPIC, 0, 1);
  let why = '';
  writer.onEnded((told) => (why = told));
  const change = () => writer.change('a', (one) => ['k2', 'k3', 'k4', 'k5'].forEach((id) => putKey(one, id)));
  await assert.rejects(change(), { code: 'outcome_unknown' });
  assert.match(why, /was read up to offset \d+, and is written at/);
  await assert.rejects(change(), { code: 'not_leader' });
});

test('of a change that fails after it has said what to write nothing is stored, nor seen by those behind it', async () => {
  await using run = await openTestWriter(createFakeKafka());
  const { writer, view, kafka } = run;
  const failing = writer.change('a', (change) => {
    putKey(change, 'k1');
    throw new Error('no');
  });
  const behind = writer.change('b', (change) => {
    putKey(change, 'k2');
    return change.snapshot.apiKey('k1');
  });
  const [failed, seen] = await Promise.allSettled([failing, behind]);
  assert.deepEqual([failed.status, seen], ['rejected', { status: 'fulfilled', value: undefined }]);
  assert.deepEqual(
    Array.from(view.snapshot().apiKeys(), ({ id }) => id),
    ['k2'],
  );
  assert.ok(recordsOf(kafka).every(({ key }) => key !== 'api-key/k1'));
});

test('what is only told to the audit stands there before the change is acknowledged', async () => {
  await using run = await openTestWriter(createFakeKafka());
  const { writer, kafka } = run;
  const note = {
    ...{ action: AuditAction.REVEAL, outcome: AuditOutcome.DONE, kind: 'endpoint' },
    ...{ resource: 'tenants/a/endpoints/b', tenant: 'tenants/a', detail: '' },
  };
  const before = recordsOf(kafka).length;
  const answer = await writer.change('user/x', (change) => {
    change.note(note);
    return 'shown';
  });
  const last = auditedOf(kafka).at(-1);
  assert.deepEqual([answer, last?.action, last?.resource], ['shown', AuditAction.REVEAL, note.resource]);
  assert.equal(recordsOf(kafka).length, before);
  assert.deepEqual(writer.auditHead, { sequence: last?.sequence, hash: last?.hash });
});

test('a change that is refused for its size leaves no entry, and those beside it are told in an unbroken chain', async () => {
  await using run = await openTestWriter(createFakeKafka());
  const { writer, kafka } = run;
  const outcomes = await Promise.allSettled([
    writer.change('a', (change) => putKey(change, 'k1')),
    writer.change('b', (change) => putKey(change, 'x'.repeat(2_000_000))),
    writer.change('c', (change) => putKey(change, 'k2')),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const told = auditedOf(kafka).map(({ principal, resource }) => `${principal} ${resource}`);
  assert.deepEqual(told.slice(1), ['system/a apiKeys/k1', 'system/c apiKeys/k2']);
  assert.equal(verifiedOf(kafka).broken, null);
});

test('every record of the configuration has its entry with its revision, and every entry its record', async () => {
  await using run = await openTestWriter(createFakeKafka());
  const { writer, kafka } = run;
  await Promise.all(['k1', 'k2', 'k3'].map((id) => writer.change('a', (change) => putKey(change, id))));
  await writer.change('b', ({ remove }) => ['k1', 'k2'].forEach((id) => remove(`api-key/${id}`)));
  // Neither says anything new.
  await writer.restate(['api-key/k1', 'api-key/k3']);
  await writer.change('c', ({ remove }) => remove('api-key/k1'));
  const revisions = recordsOf(kafka).map(({ revision }) => revision);
  assert.deepEqual(
    auditedOf(kafka).map(({ revision }) => revision),
    revisions.slice(0, -3),
  );
});

test('that a key is used is no change of it', async () => {
  await using run = await openTestWriter(createFakeKafka());
  const { writer, kafka } = run;
  await writer.change('a', (change) => putKey(change, 'k1'));
  const before = auditedOf(kafka).length;
  await writer.change('a', ({ snapshot, put }) => {
    const key = snapshot.apiKey('k1') ?? ApiKeyConfig.fromPartial({});
    put(configKey('api-key', 'k1'), () => ({ $case: 'apiKey', value: { ...key, lastUseTime: new Date() } }));
  });
  assert.equal(auditedOf(kafka).length, before);
});

test('an audit that is emptied under its writer is told, goes on, and is broken for whoever verifies it', async () => {
  await using run = await openTestWriter(createFakeKafka());
  const { writer, kafka, losses } = run;
  for (const id of ['k1', 'k2']) await writer.change('a', (change) => putKey(change, id));
  const pinned = writer.auditHead;
  kafka.truncate(AUDIT_TOPIC, 0, 0);
  await writer.change('a', (change) => putKey(change, 'k3'));
  assert.match(losses.join(), /was written up to offset \d+, and is written at 0 now/);
  assert.equal(auditedOf(kafka)[0]?.sequence, pinned.sequence + 1n);
});
