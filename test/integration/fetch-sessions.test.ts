/** A real broker, the adapter, and a proxy between them that sees the answers to fetches and can lose one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRealHarness } from '@postrider/kafka/testing/conformance';
import { openKafkaEdges } from '../support/kafka-edges.ts';
import { apiKey, type KafkaAnswer } from '../support/kafka-frames.ts';
import { startKafka } from '../support/kafka.ts';
import type { Batch, KafkaPort } from '@postrider/kafka';

const PARTITIONS = 12;
const MANY_PARTITIONS = 40;
/** An answer that names every partition is larger: each takes 50 bytes without a record. */
const FEW_BYTES = 500;

interface Seen {
  readonly bytes: number;
  readonly session: number;
}

/** Frame length and correlation id, then for how long one is throttled, an error code, the session's id. */
const seen = ({ frame }: KafkaAnswer): Seen => ({ bytes: frame.length, session: frame.readInt32BE(14) });

/** A topic of which each value, a partition's number and a round, is read once. */
async function openTopic(port: KafkaPort, topic: string, partitions = PARTITIONS) {
  await port.admin.createTopics([{ name: topic, partitions, replicationFactor: 1, config: {} }]);
  const producer = port.producer({ name: 'writer' });
  const read: string[] = [];
  const onBatch = ({ records }: Batch) => void read.push(...records.map(({ value }) => String(value)));
  await port.reader({ topic, onBatch });
  let written: string[] = [];
  return {
    read,
    /** One record in each of the first partitions, one after the other. */
    async write(round: string, count = partitions): Promise<void> {
      for (let partition = 0; partition < count; partition += 1) {
        const value = `${partition} ${round}`;
        await producer.send({ topic, partition, key: null, value: Buffer.from(value) });
        written.push(value);
      }
    },
    isRead: () => read.length >= written.length,
    assertOnce: () => assert.deepEqual(read.toSorted(), (written = written.toSorted())),
  };
}

test('a fetch names what is new, its answer what has news; when an answer is lost all is asked for, and nothing is missed', async () => {
  await using edges = await openKafkaEdges(['reader'], 1);
  await using kafka = await startKafka({ brokers: 1, ownBrokers: true, edges: edges.plans });
  assert.equal(kafka.brokers.length, 1);
  const edge = edges.edge('reader');
  const harness = createRealHarness(edge.bootstrapServers);
  await using port = harness.connect();
  const topic = await openTopic(port, harness.unique('sessions'));
  let lost: Seen | null = null;
  let answers: Seen[] = [];
  const watch = (loseNews: boolean) =>
    edge.set({
      kind: 'answers',
      judge(answer) {
        if (answer.apiKey !== apiKey.fetch) return 'pass';
        const one = seen(answer);
        if (loseNews && lost === null && one.bytes > 100) {
          lost = one;
          return 'lose';
        }
        answers.push(one);
        return 'pass';
      },
    });
  await topic.write('first');
  await harness.until(topic.isRead, 'the first round');

  watch(false);
  await topic.write('second');
  await harness.until(topic.isRead, 'the second round');
  const [session] = answers.map((one) => one.session);
  assert.ok(answers.length > 1 && session !== 0);
  assert.ok(
    answers.every((one) => one.session === session && one.bytes < FEW_BYTES),
    JSON.stringify(answers),
  );

  watch(true);
  await topic.write('third', 1);
  await harness.until(() => lost !== null, 'an answer to lose');
  answers = [];
  edge.cut();
  await harness.until(topic.isRead, 'what stood in the lost answer');
  assert.notEqual(answers.at(-1)?.session, session);
  await topic.write('fourth');
  await harness.until(topic.isRead, 'the fourth round');
  topic.assertOnce();
});

test('beside many partitions at rest a few busy ones are asked for over another connection, and each record is read once', async () => {
  await using edges = await openKafkaEdges(['reader'], 1);
  await using kafka = await startKafka({ brokers: 1, ownBrokers: true, edges: edges.plans });
  assert.equal(kafka.brokers.length, 1);
  const edge = edges.edge('reader');
  const harness = createRealHarness(edge.bootstrapServers);
  await using port = harness.connect();
  const topic = await openTopic(port, harness.unique('busy'), MANY_PARTITIONS);
  const connections = new Set<number>();
  edge.set({
    kind: 'answers',
    judge(answer) {
      if (answer.apiKey === apiKey.fetch) connections.add(answer.connection);
      return 'pass';
    },
  });
  for (let round = 0; round < 30; round += 1) await topic.write(`round ${round}`, 3);
  await harness.until(() => topic.isRead() && connections.size === 2, 'two connections that are asked over');
  await topic.write('all');
  for (let round = 30; round < 40; round += 1) await topic.write(`round ${round}`, 3);
  await harness.until(topic.isRead, 'all records');
  topic.assertOnce();
});

test('a broker that remembers nothing is asked for everything each time', async () => {
  const properties = { 'max.incremental.fetch.session.cache.slots': 0 };
  await using kafka = await startKafka({ brokers: 1, ownBrokers: true, properties });
  const harness = createRealHarness(kafka.bootstrapServers);
  await using port = harness.connect();
  const topic = await openTopic(port, harness.unique('no-sessions'));
  for (const round of ['first', 'second', 'third']) {
    await topic.write(round);
    await harness.until(topic.isRead, `the ${round} round`);
  }
  topic.assertOnce();
});
