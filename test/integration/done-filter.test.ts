/**
 * A dispatcher is killed on a real Kafka with hundreds of deliveries done of which its progress does not tell yet, and the
 * next one takes over: without a Redis, with one, and with one that hangs. What may be observed: the receiver's receipts,
 * and what stands on `attempts`. The first dispatcher's progress is made rare, so that the same work is in doubt each time.
 */
// test-timeout: 240 s
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { limits, parseKek } from '@postrider/core';
import { createConfigRecords, deliveryRecord, signingSecret } from '@postrider/dispatcher/testing';
import { connectKafka, topicSpecs, type KafkaPort } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { choosePorts } from '../../deploy/local/index.ts';
import { sharedKafka } from '../support/kafka.ts';
import type { Plant } from '../support/plant.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startService, type ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

const count = 400;
const rareProgress: Plant = {
  file: 'services/dispatcher/src/progress-writer.ts',
  find: 'if (inFlight > 0 || reign.draining) return;',
  replace: 'if (number > 0) return;',
};

let redis: TestRedis;
before(async () => {
  redis = await startRedis();
});
after(() => redis[Symbol.asyncDispose]());

/** What came of one crash. */
interface Crash {
  /** Requests beyond one per delivery. */
  readonly duplicates: number;
  /** Deliveries whose end is on record because the filter knew them. */
  readonly deliveredBefore: number;
  /** From the second dispatcher's first request to its last (ms); 0 without any. */
  readonly resendingMs: number;
}

interface CrashOptions {
  readonly redisUrl?: string;
  /** Called when the first dispatcher is dead. */
  readonly between?: () => void;
}

/** Deliver everything, kill, take over, wait until everything is done. */
async function crash({ redisUrl, between }: CrashOptions): Promise<Crash> {
  await using receiver = await startReceiver();
  await receiver.behave({ good: { kind: 'answer', verifyWith: signingSecret } });
  const { bootstrapServers } = await sharedKafka();
  const prefix = `f${randomBytes(5).toString('hex')}.`;
  const kek = randomBytes(32).toString('hex');
  await using port = connectKafka({ brokers: bootstrapServers, clientId: `${prefix}test`, clock: systemClock });
  await publish(port, prefix, kek, receiver);
  const [healthPort] = (await choosePorts(1)) as [number];
  const environment = {
    POSTRIDER_KAFKA_BROKERS: bootstrapServers.join(','),
    POSTRIDER_TOPIC_PREFIX: prefix,
    POSTRIDER_KEK: kek,
    POSTRIDER_ALLOW_HTTP: 'true',
    POSTRIDER_ALLOW_LOOPBACK: 'true',
    POSTRIDER_SESSION_TIMEOUT: '6s',
    POSTRIDER_HEALTH_PORT: String(healthPort),
    POSTRIDER_LOG_LEVEL: 'warn',
    ...(redisUrl === undefined ? {} : { POSTRIDER_REDIS_URL: redisUrl }),
  };
  await using dispatcher = startService('dispatcher', environment, { plant: rareProgress });
  await waitFor(async () => (await receiver.count()) >= count, { what: 'everything to be sent', timeoutMs: 60_000 });
  await dispatcher.kill('SIGKILL');
  const sentBefore = await receiver.count();
  between?.();
  dispatcher.restart();
  return await watch(dispatcher, receiver, port, prefix, sentBefore);
}

async function publish(port: KafkaPort, prefix: string, kek: string, receiver: Receiver): Promise<void> {
  await port.admin.createTopics(topicSpecs({ prefix, partitions: 1, replicationFactor: 1, bodyBytesMax: 262_144 }));
  await using producer = port.producer({ name: 'test' });
  const records = createConfigRecords(parseKek(kek), 1);
  const endpoint = records.endpoint('good', { url: receiver.url('good') });
  for (const record of [records.layout(), records.tenant(), endpoint])
    await producer.send({ topic: `${prefix}config`, partition: 0, ...record });
  const endpointRevision = records.revision();
  const send = (_: unknown, index: number) => {
    const { key, value, headers } = deliveryRecord(`order-${index}`, 'good', Date.now(), '{}', { endpointRevision });
    return producer.send({ topic: `${prefix}deliveries`, partition: 0, key, value, headers });
  };
  await Promise.all(Array.from({ length: count }, send));
}

/** Until each delivery has ended twice on record, once by each dispatcher. */
async function watch(
  dispatcher: ServiceProcess,
  receiver: Receiver,
  port: KafkaPort,
  prefix: string,
  sentBefore: number,
): Promise<Crash> {
  const bySecond = new Map<string, Attempt>();
  const pods = new Set<string>();
  const see = ({ value }: { readonly value: Buffer | null }): void => {
    const attempt = Attempt.decode(value ?? Buffer.alloc(0));
    pods.add(attempt.pod);
    if (attempt.pod !== [...pods][0]) bySecond.set(attempt.deliveryId, attempt);
  };
  await using _reader = await port.reader({
    topic: `${prefix}attempts`,
    onBatch: ({ records }) => records.forEach(see),
  });
  await waitFor(() => bySecond.size === count, { what: 'everything to end', timeoutMs: 90_000 }).catch((error) =>
    assert.fail(`${String(error)}: ${bySecond.size} of ${count}; ${dispatcher.log.slice(-2_000)}`),
  );
  const receipts = await receiver.receipts();
  assert.equal(new Set(receipts.map(({ webhookId }) => webhookId)).size, count);
  const again = receipts.slice(sentBefore).map(({ at }) => at);
  return {
    duplicates: receipts.length - count,
    deliveredBefore: [...bySecond.values()].filter(({ code }) => code === 'delivered_before').length,
    resendingMs: again.length === 0 ? 0 : Math.max(...again) - Math.min(...again),
  };
}

test('with a Redis a crash repeats less: what endpoints took is known to the next owner', async (context) => {
  const without = await crash({});
  const known = await crash({ redisUrl: redis.url });
  context.diagnostic(`${without.duplicates} duplicates without a Redis, ${known.duplicates} with one, of ${count}`);
  assert.equal(without.deliveredBefore, 0);
  // What was under way when the process died is missing, and what a busy machine did not note in time.
  assert.ok(known.duplicates < without.duplicates / 2, `${known.duplicates} of ${without.duplicates}`);
  assert.equal(known.deliveredBefore + known.duplicates, count);
});

test('with a Redis that hangs a crash repeats what it repeats without one, and nobody waits for it', async (context) => {
  try {
    const hung = await crash({ redisUrl: redis.url, between: () => redis.freeze() });
    context.diagnostic(`${hung.duplicates} duplicates, sent again within ${hung.resendingMs} ms`);
    assert.equal(hung.deliveredBefore, 0);
    assert.equal(hung.duplicates, count);
    // 50 ms for each, as many at a time as the lane takes, and what sending itself costs on a busy machine.
    assert.ok(hung.resendingMs < (count / limits.laneConcurrencyDefault) * limits.doneTimeoutMs + 5_000);
  } finally {
    redis.thaw();
  }
});
