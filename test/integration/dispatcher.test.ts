/**
 * Dispatchers as processes of their own on a real Kafka, over real sockets to receivers on loopback that verify every
 * signature. What may be observed: the receivers' receipts, and what stands on the topics.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseKek } from '@postrider/core';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { createConfigRecords, deliveryRecord, signingSecret } from '@postrider/dispatcher/testing';
import { connectKafka, topicSpecs, type KafkaPort } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { sharedKafka } from '../support/kafka.ts';
import type { Behaviour } from '../support/receipt.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const partitions = 4;
const main = join(import.meta.dirname, '../../services/dispatcher/src/main.ts');
const children = new Set<ChildProcess>();
after(() => children.forEach((child) => child.kill('SIGKILL')));

/** A prefix, its topics, a configuration with two endpoints, and what a dispatcher's environment must say. */
async function install(receiver: Receiver) {
  const { bootstrapServers } = await sharedKafka();
  const prefix = `d${randomBytes(5).toString('hex')}.`;
  const kekText = randomBytes(32).toString('hex');
  const port = connectKafka({ brokers: bootstrapServers, clientId: `${prefix}test`, clock: systemClock });
  await port.admin.createTopics(topicSpecs({ prefix, partitions, replicationFactor: 1, bodyBytesMax: 262_144 }));
  const producer = port.producer({ name: 'test' });
  const records = createConfigRecords(parseKek(kekText), partitions);
  const delays = {
    $case: 'delays' as const,
    value: { delays: [1, 2, 4].map((s) => ({ seconds: BigInt(s), nanos: 0 })) },
  };
  const endpoint = (id: string) =>
    records.endpoint(id, { url: receiver.url(id), retryPolicy: { schedule: delays, jitter: 0 } });
  for (const record of [records.layout(), records.tenant(), endpoint('good'), endpoint('flaky')]) {
    await producer.send({ topic: `${prefix}config`, partition: 0, ...record });
  }
  const deliver = async (count: number, from = 0): Promise<void> => {
    const sends = Array.from({ length: count }, (_empty, index) => {
      const event = `order-${from + index}`;
      const id = index % 4 === 0 ? 'flaky' : 'good';
      const fields = { endpointRevision: records.revision() };
      const { key, value, headers } = deliveryRecord(event, id, Date.now(), `{"id":"${event}"}`, fields);
      return producer.send({
        topic: `${prefix}deliveries`,
        partition: (from + index) % partitions,
        key,
        value,
        headers,
      });
    });
    await Promise.all(sends);
  };
  const environment = {
    PATH: process.env['PATH'] ?? '',
    POSTRIDER_KAFKA_BROKERS: bootstrapServers.join(','),
    POSTRIDER_TOPIC_PREFIX: prefix,
    POSTRIDER_KEK: kekText,
    POSTRIDER_ALLOW_HTTP: 'true',
    POSTRIDER_ALLOW_LOOPBACK: 'true',
    POSTRIDER_SESSION_TIMEOUT: '6s',
    POSTRIDER_HEALTH_PORT: '0',
    POSTRIDER_LOG_LEVEL: 'warn',
  };
  return { prefix, port, deliver, environment };
}

function startProcess(environment: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [main], { env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
  children.add(child);
  void once(child, 'exit').then(() => children.delete(child));
  return child;
}

async function stopProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exited = once(child, 'exit');
  child.kill(signal);
  const [code] = (await exited) as [number | null];
  return code;
}

const verifyWith = signingSecret;
const behaviours: Record<string, Behaviour> = {
  good: { kind: 'answer', delayMs: 5, verifyWith },
  flaky: { kind: 'answer', failFirst: 2, verifyWith },
};

/** How often each webhook-id was answered with 2xx. */
async function successes(receiver: Receiver): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { webhookId, status, signature } of await receiver.receipts()) {
    assert.equal(signature, 'valid');
    if (status === 200) counts.set(webhookId, (counts.get(webhookId) ?? 0) + 1);
  }
  return counts;
}

async function attemptsOf(port: KafkaPort, prefix: string): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  await using reader = await port.reader({
    topic: `${prefix}attempts`,
    onBatch: ({ records }) =>
      attempts.push(...records.flatMap(({ value }) => (value === null ? [] : [Attempt.decode(value)]))),
  });
  await reader.caughtUp;
  return attempts;
}

test('processes that are rolled one after the other deliver everything exactly once', async () => {
  await using receiver = await startReceiver();
  await receiver.behave(behaviours);
  const { prefix, port, deliver, environment } = await install(receiver);
  await using _port = port;
  await deliver(400);
  const first = startProcess(environment);
  await waitFor(async () => (await successes(receiver)).size > 50, {
    what: 'the first process delivers',
    timeoutMs: 30_000,
  });
  const second = startProcess(environment);
  let published = 400;
  await waitFor(
    async () => {
      await deliver(20, published);
      published += 20;
      return new Set((await attemptsOf(port, prefix)).map(({ pod }) => pod)).size === 2;
    },
    { what: 'both processes deliver', timeoutMs: 30_000 },
  );
  assert.equal(await stopProcess(first, 'SIGTERM'), 0);
  await deliver(200, published);
  published += 200;
  await waitFor(async () => (await successes(receiver)).size === published, {
    what: 'all are delivered',
    timeoutMs: 60_000,
  });
  assert.equal(await stopProcess(second, 'SIGTERM'), 0);
  const counts = await successes(receiver);
  assert.deepEqual(
    [...counts.values()].filter((count) => count !== 1),
    [],
  );
  const attempts = await attemptsOf(port, prefix);
  assert.equal(attempts.length, (published * 3) / 4 + (published / 4) * 3);
  assert.equal(attempts.filter(({ outcome }) => outcome === 'OUTCOME_DELIVERED').length, published);
});

test('a process killed in the middle loses nothing, and what is repeated bears the same webhook-id', async () => {
  await using receiver = await startReceiver();
  await receiver.behave(behaviours);
  const { port, deliver, environment } = await install(receiver);
  await using _port = port;
  await deliver(1_000);
  for (const many of [100, 400, 700]) {
    const process = startProcess(environment);
    await waitFor(async () => (await successes(receiver)).size >= many, {
      what: `${many} are delivered`,
      timeoutMs: 60_000,
    });
    await stopProcess(process, 'SIGKILL');
  }
  const last = startProcess(environment);
  await waitFor(async () => (await successes(receiver)).size === 1_000, {
    what: 'all are delivered',
    timeoutMs: 60_000,
  });
  assert.equal(await stopProcess(last, 'SIGTERM'), 0);
  const counts = await successes(receiver);
  assert.equal(counts.size, 1_000);
  assert.ok([...counts.values()].every((count) => count <= 4));
});
