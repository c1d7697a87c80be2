/**
 * A dispatcher on a real Kafka whose endpoints answer 410, and whose deliveries are as large as the broker takes them. Its
 * requests are answered by a closure. What may be observed: what stands on the topics.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { localKeys } from '@postrider/config-view';
import { DeadReason } from '@postrider/contract/postrider/v1/attempt';
import { DeadLetter } from '@postrider/contract/postrider/v1/dead_letter';
import { parseKek } from '@postrider/core';
import { startDispatcher, type SendResult } from '@postrider/dispatcher';
import { createConfigRecords, deliveryRecord } from '@postrider/dispatcher/testing';
import { DEAD_LETTER_HEADER, connectKafka, header, topicSpecs, type IncomingRecord } from '@postrider/kafka';
import { recordingLogger, systemClock } from '@postrider/runtime';
import { sharedKafka } from '../support/kafka.ts';
import { waitFor } from '../support/wait-for.ts';

const once = { $case: 'delays' as const, value: { delays: [] } };
const later = { $case: 'delays' as const, value: { delays: [{ seconds: 30n, nanos: 0 }] } };
/** What an answer says besides its status: more than a record as large as its topic takes has room for. */
const wordy = ['x-reason', 'y'.repeat(4_000)];

/** An installation with three endpoints: one is gone, one fails once and for all, one is to be asked again. */
async function install() {
  const { bootstrapServers } = await sharedKafka();
  const topicPrefix = `e${randomBytes(5).toString('hex')}.`;
  const kek = parseKek(randomBytes(32).toString('hex'));
  const kafka = connectKafka({ brokers: bootstrapServers, clientId: `${topicPrefix}test`, clock: systemClock });
  await kafka.admin.createTopics(
    topicSpecs({ prefix: topicPrefix, partitions: 1, replicationFactor: 1, bodyBytesMax: 262_144 }),
  );
  const producer = kafka.producer({ name: 'test' });
  const records = createConfigRecords(kek, 1);
  const endpoints = [
    records.endpoint('gone', {}),
    records.endpoint('fails', { retryPolicy: { schedule: once } }),
    records.endpoint('again', { retryPolicy: { schedule: later } }),
  ];
  for (const record of [records.layout(), records.tenant(), ...endpoints])
    await producer.send({ topic: `${topicPrefix}config`, partition: 0, ...record });
  const deliver = async (event: string, endpoint: string, body: string) => {
    const fields = { endpointRevision: records.revision() };
    const { key, value, headers } = deliveryRecord(event, endpoint, Date.now(), body, fields);
    await producer.send({ topic: `${topicPrefix}deliveries`, partition: 0, key, value, headers });
  };
  const read = async (topic: string): Promise<IncomingRecord[]> => {
    const found: IncomingRecord[] = [];
    const onBatch = (batch: { readonly records: readonly IncomingRecord[] }) => void found.push(...batch.records);
    await using reader = await kafka.reader({ topic: `${topicPrefix}${topic}`, onBatch });
    await reader.caughtUp;
    return found;
  };
  const answers: SendResult[] = [];
  const settings = { allowHttp: false, allowLoopback: false, allowCidrs: [], contactUrl: '', sessionTimeoutMs: 6_000 };
  const start = () =>
    startDispatcher(
      { ...settings, processId: `${topicPrefix}dispatcher`, topicPrefix, keys: localKeys(kek) },
      {
        ...{ kafka, clock: systemClock, log: recordingLogger() },
        send: ({ path }, done) => {
          const status = path.endsWith('gone') ? 410 : 500;
          const result: SendResult = { kind: 'response', status, headers: wordy, timings: { totalMs: 1 } };
          answers.push(result);
          setImmediate(() => done(result));
        },
      },
      new AbortController().signal,
    );
  return { kafka, deliver, read, start, answers };
}

const letterOf = (record: IncomingRecord) => DeadLetter.decode(header(record, DEAD_LETTER_HEADER) as Buffer);

test('an endpoint that answers 410 is told of on operations, once, and asked no more', async () => {
  const { kafka, deliver, read, start, answers } = await install();
  await using _kafka = kafka;
  for (let i = 0; i < 20; i += 1) await deliver(`order-${i}`, 'gone', '{}');
  await using _dispatcher = await start();
  const rows = () => read('retry.14d');
  await waitFor(async () => (await rows()).length >= 20 && (await read('operations')).length > 0, {
    what: 'all wait',
    timeoutMs: 30_000,
  });
  assert.ok(answers.length <= 16, 'no more than were in flight');
  const events = await read('operations');
  assert.equal(events.length, 1);
  const [event] = events as [IncomingRecord];
  assert.equal(header(event, 'ce_type')?.toString(), 'postrider.endpoint.gone');
  assert.equal(event.key?.toString(), 'ep_gone');
  assert.equal(JSON.parse(event.value?.toString() ?? '').endpointRevision, '1');
});

test('what is as large as the broker takes it ends as a dead letter that says where its body is', async () => {
  const { kafka, deliver, read, start } = await install();
  await using _kafka = kafka;
  // The largest that `deliveries` takes: found as a publisher would find it.
  let size = 1_048_588;
  const largest = async (event: string, endpoint: string): Promise<void> => {
    for (; ; size -= 16) {
      const accepted = await deliver(event, endpoint, 'x'.repeat(size)).then(
        () => true,
        () => false,
      );
      if (accepted) return;
    }
  };
  await largest('fails', 'fails');
  await largest('again', 'again');
  await using _dispatcher = await start();
  await waitFor(async () => (await read('dead-letters')).length === 2, {
    what: 'both have ended',
    timeoutMs: 60_000,
  });
  const letters = (await read('dead-letters')).map((record) => ({ ...letterOf(record), bytes: record.value?.length }));
  const dropped = letters.find(({ reason }) => reason === DeadReason.EXHAUSTED);
  assert.deepEqual([dropped?.bodyDropped, dropped?.bytes], [true, 0]);
  assert.equal(dropped?.delivery?.source?.topic, 'postrider.events');
  assert.equal(dropped?.delivery?.intake?.offset, 0n);
  assert.equal(dropped?.lastAttempt?.status, 500);
  const refused = letters.find(({ reason }) => reason === DeadReason.TOO_LARGE);
  assert.deepEqual([refused?.delivery?.attempt, refused?.delivery?.intake?.offset], [1, 1n]);
  assert.equal(refused?.delivery?.last?.status, 500);
  assert.deepEqual(
    (await read('retry.1m')).filter(({ value }) => value !== null),
    [],
  );
});
