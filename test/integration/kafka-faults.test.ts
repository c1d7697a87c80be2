import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { writeAndReadThrough } from '@postrider/kafka/testing/conformance';
import { startKafka } from '../support/kafka.ts';

test('a broker killed and started again: nothing acknowledged is lost, order holds, reading goes on', async (context) => {
  await using kafka = await startKafka({ brokers: 1, ownBrokers: true });
  const [broker] = kafka.brokers;
  assert.ok(broker);
  const report = await writeAndReadThrough({
    bootstrapServers: kafka.bootstrapServers,
    replicationFactor: 1,
    breakIt: () => broker.kill('SIGKILL'),
    mendIt: () => broker.start(),
  });
  context.diagnostic(JSON.stringify(report));
});

test('a broker that falls silent past the send deadline: the client is replaced, nothing is lost', async (context) => {
  await using kafka = await startKafka({ brokers: 1, ownBrokers: true });
  const pid = kafka.brokers[0]?.pid;
  assert.ok(pid !== undefined);
  const report = await writeAndReadThrough({
    bootstrapServers: kafka.bootstrapServers,
    replicationFactor: 1,
    breakIt: async () => void process.kill(pid, 'SIGSTOP'),
    sendDeadlineMs: 3_000,
    async mendIt(producerSaid) {
      await producerSaid(/no answer from broker .* the client is replaced/);
      process.kill(pid, 'SIGCONT');
    },
  });
  assert.ok(report.stallMs >= 2_900);
  context.diagnostic(JSON.stringify(report));
});

test('one of three brokers killed: the others take over, nothing acknowledged is lost, no member joins anew for it', async (context) => {
  await using kafka = await startKafka({ brokers: 3, ownBrokers: true });
  const [broker] = kafka.brokers;
  assert.ok(broker);
  const report = await writeAndReadThrough({
    bootstrapServers: kafka.bootstrapServers,
    replicationFactor: 3,
    breakIt: () => broker.kill('SIGKILL'),
  });
  assert.equal(report.assignments, 1);
  context.diagnostic(JSON.stringify(report));
});
