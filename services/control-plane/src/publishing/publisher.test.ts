/** Doubles: the producer, which is told what Kafka does, and the clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaError } from '@postrider/kafka';
import { createFakeClock } from '@postrider/kafka/testing';
import { serverLimits } from '../server-limits.ts';
import { createPublisher } from './publisher.ts';
import type { PublishedRecord } from '@postrider/core';
import type { Ack, OffsetRange, OutgoingRecord } from '@postrider/kafka';
import type { Published } from './publisher.ts';

type Done = (error: KafkaError | null, ack: Ack | null) => void;

function world() {
  const clock = createFakeClock();
  const queued: { readonly record: OutgoingRecord; readonly done: Done }[] = [];
  let offsets = (): Promise<OffsetRange[]> => Promise.resolve([]);
  const admin = { offsets: () => offsets() } as never;
  const producer = { enqueue: (record: OutgoingRecord, done: Done) => void queued.push({ record, done }) };
  const publisher = createPublisher({ kafka: { admin }, producer, topic: 'events', clock });
  return {
    clock,
    queued,
    publisher,
    answerOffsets: (answer: typeof offsets) => (offsets = answer),
    /** Kafka takes the record of this number, and acknowledges it or not. */
    hand: (index: number) => queued[index]?.record.mayWrite?.(),
    acknowledge: (index: number) => queued[index]?.done(null, null),
    fail: (index: number, code: KafkaError['code']) => queued[index]?.done(new KafkaError(code, code), null),
  };
}

function records(count: number, bytes = 1): PublishedRecord[] {
  return Array.from({ length: count }, () => ({
    partition: 0,
    key: Buffer.from('k'),
    value: Buffer.alloc(bytes),
    headers: {},
  }));
}

const codes = (outcomes: readonly Published[]): string[] => outcomes.map((one) => one?.code ?? 'published');

test('nobody is answered before Kafka has acknowledged, or the time is over', async () => {
  const { publisher, hand, acknowledge, clock, queued } = world();
  let answer: readonly Published[] | null = null;
  const publishing = publisher.publish(records(3)).then((outcomes) => (answer = outcomes));
  for (const index of [0, 1, 2]) assert.equal(hand(index), true);
  acknowledge(0);
  acknowledge(1);
  await clock.advance(serverLimits.publishDeadlineMs - 1);
  assert.equal(answer, null);
  acknowledge(2);
  assert.deepEqual(codes(await publishing), ['published', 'published', 'published']);
  assert.equal(queued.length, 3);
});

test('at the end of the time what Kafka was handed is unknown, and the rest is never written', async () => {
  const { publisher, hand, acknowledge, clock } = world();
  const publishing = publisher.publish(records(3));
  hand(0);
  hand(1);
  acknowledge(0);
  await clock.advance(serverLimits.publishDeadlineMs);
  const outcomes = await publishing;
  assert.deepEqual(codes(outcomes), ['published', 'outcome_unknown', 'unavailable']);
  assert.match(outcomes[1]?.message ?? '', /publish it again with the same id/);
  assert.equal(hand(2), false);
  // What may be there already is not sent a second time for nobody.
  assert.equal(hand(1), false);
});

test('what Kafka refuses is told as such; of what was on its way when the process stops nothing is known', async () => {
  const { publisher, hand, fail } = world();
  const publishing = publisher.publish(records(4));
  hand(0);
  fail(0, 'RECORD_TOO_LARGE');
  fail(1, 'RECORD_REFUSED');
  hand(2);
  fail(2, 'CLOSED');
  fail(3, 'CLOSED');
  assert.deepEqual(codes(await publishing), ['limit_reached', 'unavailable', 'outcome_unknown', 'unavailable']);
});

test('so much is written at once at most: by number and by bytes, until Kafka has answered, late or not', async () => {
  const { publisher, acknowledge, clock, queued } = world();
  const { publishingMax, publishingBytesMax } = serverLimits;
  const first = publisher.publish(records(publishingMax));
  assert.throws(() => publisher.publish(records(1)), {
    code: 'limit_reached',
    retryAfterMs: serverLimits.retryAfterMs,
  });
  await clock.advance(serverLimits.publishDeadlineMs);
  await first;
  assert.throws(() => publisher.publish(records(1)), { code: 'limit_reached' });
  acknowledge(0);
  void publisher.publish(records(1));
  for (const index of queued.keys()) if (index > 0) acknowledge(index);
  // Alone, anything is let in.
  void publisher.publish(records(1, publishingBytesMax + 1));
  assert.throws(() => publisher.publish(records(1)), { code: 'limit_reached' });
});

test('how many partitions there are is asked once a minute, and again after a failure', async () => {
  const { publisher, answerOffsets, clock } = world();
  let asked = 0;
  const ranges = (count: number) => Array.from({ length: count }, (_, partition) => ({ partition, low: 0, high: 0 }));
  answerOffsets(() => Promise.reject(new KafkaError('UNKNOWN_TOPIC', 'there is none')));
  await assert.rejects(publisher.partitions(), { code: 'unavailable', message: /the topic events/ });
  answerOffsets(() => Promise.resolve(ranges(4 + asked++)));
  assert.deepEqual(await Promise.all([publisher.partitions(), publisher.partitions()]), [4, 4]);
  await clock.advance(serverLimits.partitionsKnownMs);
  assert.deepEqual([await publisher.partitions(), asked], [5, 2]);
});
