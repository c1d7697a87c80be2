import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectKafka } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { sharedKafka } from '../support/kafka.ts';
import { uniqueName } from '../support/resources.ts';

test('a write tells when the broker stored it; where producers set the time, nothing is told', async () => {
  const { bootstrapServers: brokers } = await sharedKafka();
  const heard: (readonly [storedAt: number, sentAgoMs: number])[] = [];
  const onBrokerTime = (...one: readonly [number, number]): void => void heard.push(one);
  await using kafka = connectKafka({ brokers, clientId: 'broker-time', clock: systemClock, onBrokerTime });
  const topicOf = async (type: string): Promise<string> => {
    const name = uniqueName('broker-time');
    const config = { 'message.timestamp.type': type };
    await kafka.admin.createTopics([{ name, partitions: 1, replicationFactor: 1, config }]);
    return name;
  };
  const byBroker = await topicOf('LogAppendTime');
  const byProducer = await topicOf('CreateTime');
  await using producer = kafka.producer({ name: 'test' });
  await producer.send({ topic: byProducer, partition: 0, key: null, value: Buffer.from('x') });
  assert.deepEqual(heard, []);
  const before = Date.now();
  await producer.send({ topic: byBroker, partition: 0, key: null, value: Buffer.from('x') });
  const [told] = heard;
  assert.equal(heard.length, 1);
  const [storedAt = 0, sentAgoMs = Infinity] = told ?? [];
  assert.ok(storedAt >= before && storedAt <= Date.now(), `${storedAt} is not between ${before} and now`);
  assert.ok(sentAgoMs >= 0 && sentAgoMs <= Date.now() - before + 1, String(sentAgoMs));
});
