/** Changes that are planned together. Double: Kafka. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { configKey, startConfigView } from '@postrider/config-view';
import { ApiKeyConfig } from '@postrider/contract/postrider/v1/config';
import { createFakeKafka } from '@postrider/kafka/testing';
import { recordingLogger } from '@postrider/runtime';
import { CONFIG_TOPIC } from '../testing/harness.ts';
import { recordsOf } from '../testing/replicas.ts';
import { openConfigWriter } from './config-writer.ts';
import type { Change } from './config-writer.ts';

async function openTestWriter() {
  const kafka = createFakeKafka();
  const port = kafka.connect('writer');
  await port.admin.createTopics([{ name: CONFIG_TOPIC, partitions: 1, replicationFactor: 1, config: {} }]);
  const common = { kafka: port, topic: CONFIG_TOPIC, clock: port.clock, log: recordingLogger() };
  await using stack = new AsyncDisposableStack();
  stack.use(port);
  const view = stack.use(await startConfigView(common));
  const own = { view, processId: 'writer', address: '', random: randomBytes, mayWrite: () => true };
  const writer = stack.use(await openConfigWriter({ ...common, ...own, inspect: async () => '0' }));
  const owned = stack.move();
  return { kafka, view, writer, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function putKey({ put }: Change, id: string): void {
  put(configKey('api-key', id), (revision) => ({
    $case: 'apiKey',
    value: { ...ApiKeyConfig.fromPartial({ id, revision }), hash: Buffer.alloc(32), createTime: undefined },
  }));
}

test('a change knows what those that are written with it have deleted: no id is used again', async () => {
  await using run = await openTestWriter();
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
  await using run = await openTestWriter();
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
  await using run = await openTestWriter();
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
