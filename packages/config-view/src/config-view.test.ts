import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock, createFakeKafka, settled } from '@postrider/kafka/testing';
import { startConfigView } from './config-view.ts';
import { configRecord, deletionRecord, endpointEntity, tenantEntity } from './test-records.ts';
import type { ConfigViewLog } from './config-view.ts';
import type { ConfigChange } from './snapshot.ts';
import type { TestRecord } from './test-records.ts';

const topic = 'postrider.config';
const silent: ConfigViewLog = { warn() {}, error() {} };

function setup() {
  const clock = createFakeClock();
  const cluster = createFakeKafka({ clock });
  cluster.createTopic(topic);
  const write = (record: TestRecord): number => cluster.append(topic, 0, record.placed(0));
  const lines: string[] = [];
  const log: ConfigViewLog = { warn: (_, text) => void lines.push(text), error: (_, text) => void lines.push(text) };
  return { clock, cluster, write, log, lines, kafka: cluster.connect() };
}

test('starts with everything that stands in the topic and then follows it', async () => {
  const { clock, kafka, write } = setup();
  write(configRecord('tenant/t0', 0, 1, tenantEntity('t0')));
  await using view = await settled(clock, startConfigView({ kafka, topic, clock, log: silent }));
  assert.ok(view.snapshot().tenant('t0'));
  const seen: (readonly ConfigChange[])[] = [];
  const stop = view.onChange((changes, snapshot) => {
    assert.equal(snapshot, view.snapshot());
    seen.push(changes);
  });
  const offset = write(configRecord('endpoint/e0', 0, 2, endpointEntity('t0', 'e0')));
  assert.equal(await settled(clock, view.whenOffset(offset, 5_000)), true);
  assert.deepEqual(
    seen.flat().map(({ kind, id }) => `${kind} ${id}`),
    ['endpoint e0'],
  );
  assert.ok(view.reached('2'));
  stop();
  write(deletionRecord('endpoint/e0', 0, 3));
  assert.equal(await settled(clock, view.whenReached('3', 5_000)), true);
  assert.equal(view.snapshot().endpoint('e0'), undefined);
  assert.equal(seen.length, 1);
});

test('an empty topic is an empty snapshot', async () => {
  const { clock, kafka } = setup();
  await using view = await settled(clock, startConfigView({ kafka, topic, clock, log: silent }));
  assert.deepEqual([...view.snapshot().tenants()], []);
  assert.equal(view.snapshot().layout, null);
  assert.equal(view.reached('1'), false);
  assert.equal(view.reached('not a revision'), false);
});

test('waiting for a revision or an offset ends with false after its time, and on disposal', async () => {
  const { clock, kafka } = setup();
  const view = await settled(clock, startConfigView({ kafka, topic, clock, log: silent }));
  const started = clock.monotonic();
  assert.equal(await settled(clock, view.whenReached('7', 1_000)), false);
  assert.ok(clock.monotonic() - started >= 1_000);
  const open = view.whenOffset(99, 1_000_000);
  await settled(clock, Promise.resolve(view[Symbol.asyncDispose]()));
  assert.equal(await open, false);
  assert.equal(await view.whenReached('7', 1_000_000), false);
});

test('reports what it cannot read, and a listener that throws disturbs no one', async () => {
  const { clock, kafka, write, log, lines } = setup();
  const problems: string[] = [];
  await using view = await settled(
    clock,
    startConfigView({ kafka, topic, clock, log, onProblem: ({ code }) => problems.push(code) }),
  );
  let told = 0;
  view.onChange(() => {
    throw new Error('planted');
  });
  view.onChange(() => (told += 1));
  write({ placed: (offset) => ({ ...deletionRecord('tenant/t0', 0, 1).placed(offset), value: Buffer.from('junk') }) });
  write(configRecord('tenant/t1', 0, 2, tenantEntity('t1')));
  assert.equal(await settled(clock, view.whenReached('2', 5_000)), true);
  assert.ok(view.snapshot().tenant('t1'));
  assert.deepEqual(problems, ['record_unreadable']);
  assert.equal(told, 1);
  assert.deepEqual(lines, [
    'a configuration record did not take effect',
    'a listener for configuration changes failed',
  ]);
});

test('waits for Kafka at the start and goes on when it is there', async () => {
  const { clock, cluster, kafka, write, log, lines } = setup();
  write(configRecord('tenant/t0', 0, 1, tenantEntity('t0')));
  cluster.brokerDown();
  const starting = startConfigView({ kafka, topic, clock, log });
  await clock.advance(10_000);
  assert.deepEqual(lines, [
    'the configuration cannot be read at the moment: waiting for Kafka',
    'the configuration waits for Kafka: no broker answers',
  ]);
  cluster.brokerUp();
  await using view = await settled(clock, starting);
  assert.ok(view.snapshot().tenant('t0'));
});

test('gives up the first reading when told to', async () => {
  const { clock, cluster, kafka } = setup();
  const stopping = new AbortController();
  cluster.brokerDown();
  const starting = startConfigView({ kafka, topic, clock, log: silent, signal: stopping.signal });
  starting.catch(() => {});
  await clock.advance(1_000);
  stopping.abort(new Error('stopping'));
  await assert.rejects(settled(clock, starting), /stopping/);
});
