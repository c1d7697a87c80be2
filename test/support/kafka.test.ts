import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { parseBootstrapServers, startKafka } from './kafka.ts';

afterEach(() => {
  delete process.env['POSTRIDER_KAFKA_BROKERS'];
  delete process.env['POSTRIDER_KAFKA_DOCKER'];
});

test("one's own cluster is used when it is named, and is not ours to stop", async () => {
  process.env['POSTRIDER_KAFKA_BROKERS'] = 'kafka-1.example:9092, [::1]:9093';
  await using kafka = await startKafka();
  assert.deepEqual(kafka.bootstrapServers, ['kafka-1.example:9092', '[::1]:9093']);
  assert.deepEqual(kafka.brokers, []);
});

test('a malformed broker list names the variable and the wrong part', () => {
  for (const wrong of ['localhost', 'localhost:', 'a:70000', 'a:0', 'a:9092,', 'http://a:9092', 'a b:1'])
    assert.throws(() => parseBootstrapServers('BROKERS', wrong), /^TypeError: BROKERS: ".*" is not host:port$/, wrong);
});

test('a container that cannot be had is refused in one sentence', async () => {
  process.env['POSTRIDER_KAFKA_DOCKER'] = 'postrider.invalid/no-such-image:0';
  await assert.rejects(startKafka(), {
    code: 'DOCKER_UNUSABLE',
    message:
      /^POSTRIDER_KAFKA_DOCKER: no Kafka from image postrider\.invalid\/no-such-image:0: is a Docker engine running/,
  });
});
