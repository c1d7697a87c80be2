import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createProducerQueue } from './producer-queue.ts';
import type { Clock } from '@postrider/core';
import type { PartitionAnswer, PartitionWrite, ProduceTransport } from './producer-queue.ts';

type Answer = 'stored' | 'lost' | 'again' | 'missing' | 'silent';

/**
 * Two brokers, partition i led by broker i modulo 2; a request takes 5 ms unless told otherwise; each request meets the next
 * answer of the list, then all goes well.
 */
function scripted(answers: Answer[], clock: Clock, requestMs = 5) {
  const log = new Map<number, string[]>();
  const inFlight = new Map<number, number>();
  let most = 0;
  let resets = 0;
  const store = ({ topic, partition, records }: PartitionWrite): PartitionAnswer => {
    const stored = log.get(partition) ?? [];
    log.set(partition, stored);
    const baseOffset = stored.length;
    stored.push(...records.map(({ value }) => String(value)));
    return { topic, partition, errorCode: 0, baseOffset };
  };
  const transport: ProduceTransport = {
    leaderOf: (_topic, partition) => partition % 2,
    refresh: async () => undefined,
    async produce(leader, take) {
      const writes = take();
      inFlight.set(leader, (inFlight.get(leader) ?? 0) + 1);
      most = Math.max(most, inFlight.get(leader) ?? 0);
      const answer = answers.shift() ?? 'stored';
      if (answer === 'silent') return new Promise(() => undefined);
      await new Promise<void>((resolve) => void clock.after(requestMs, resolve));
      inFlight.set(leader, (inFlight.get(leader) ?? 0) - 1);
      if (answer === 'again')
        return writes.map(({ topic, partition }) => ({ topic, partition, errorCode: 6, baseOffset: -1 }));
      const stored = writes.map(store);
      if (answer === 'lost') throw new Error('connection closed');
      return answer === 'missing' ? stored.slice(1) : stored;
    },
    reset() {
      resets += 1;
      inFlight.clear();
    },
    close: async () => undefined,
  };
  return { transport, log, most: () => most, resets: () => resets };
}

const record = (partition: number, value: number) => ({
  topic: 't',
  partition,
  key: null,
  value: Buffer.from(String(value)),
});

test('whatever answers are lost: each record is acknowledged where it stands, none overtakes an earlier one, one send per leader', async () => {
  const answer = fc.constantFrom<Answer>('stored', 'lost', 'again', 'missing', 'silent');
  await fc.assert(
    fc.asyncProperty(
      fc.array(answer, { maxLength: 12 }),
      fc.integer({ min: 1, max: 7 }),
      async (answers, batchRecordsMax) => {
        const clock = createFakeClock();
        const { transport, log, most } = scripted([...answers], clock);
        const producer = createProducerQueue(transport, { name: 'p', clock, batchRecordsMax });
        const acks: { value: number; partition: number; offset: number }[] = [];
        for (let value = 0; value < 40; value += 1) {
          producer.enqueue(record(value % 3, value), (error, ack) => {
            assert.equal(error, null);
            assert.ok(ack);
            acks.push({ value, partition: ack.partition, offset: ack.offset });
          });
          if (value % 10 === 9) await clock.advance(3);
        }
        await clock.advanceUntil(() => acks.length === 40, 'all acknowledgements');
        assert.equal(producer.backlog.records, 0);
        assert.ok(most() <= 1);
        for (const { value, partition, offset } of acks) assert.equal(log.get(partition)?.[offset], String(value));
        for (const partition of [0, 1, 2]) {
          // First appearances are in order; only repetitions may stand behind later records.
          const firsts = [...new Set(log.get(partition))].map(Number);
          assert.deepEqual(
            firsts,
            firsts.toSorted((a, b) => a - b),
          );
          const acked = acks.filter((ack) => ack.partition === partition).toSorted((a, b) => a.offset - b.offset);
          assert.deepEqual(
            acked.map(({ value }) => value),
            acked.map(({ value }) => value).toSorted((a, b) => a - b),
          );
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('a send past its deadline replaces the client before anything is sent again', async () => {
  const clock = createFakeClock();
  const { transport, log, resets } = scripted(['silent'], clock);
  const producer = createProducerQueue(transport, { name: 'p', clock, sendDeadlineMs: 20_000 });
  const sent = producer.send(record(0, 1));
  await clock.advance(19_999);
  assert.equal(resets(), 0);
  await clock.advance(200);
  assert.equal(resets(), 1);
  assert.equal((await sent).offset, 0);
  assert.deepEqual(log.get(0), ['1']);
});

test('a timer that fires before its time, as real ones do, does not leave a record waiting for ever', async () => {
  const clock = createFakeClock();
  const early: Clock = { ...clock, after: (delayMs, callback) => clock.after(Math.max(0, delayMs - 0.6), callback) };
  const { transport } = scripted(['again', 'again'], clock);
  const producer = createProducerQueue(transport, { name: 'p', clock: early });
  const sent = producer.send(record(0, 1));
  await clock.advance(5_000);
  assert.equal((await sent).offset, 0);
});

test('a burst of calls in one turn is one batch, and what comes during a send is the next', async () => {
  const clock = createFakeClock();
  const { transport } = scripted([], clock);
  const sizes: number[] = [];
  const counting: ProduceTransport = {
    ...transport,
    produce: (leader, take) =>
      transport.produce(leader, () => {
        const writes = take();
        sizes.push(writes.reduce((sum, { records }) => sum + records.length, 0));
        return writes;
      }),
  };
  const producer = createProducerQueue(counting, { name: 'p', clock });
  for (let value = 0; value < 700; value += 1) producer.enqueue(record(0, value), () => undefined);
  await clock.advance(1);
  for (let value = 0; value < 10; value += 1) producer.enqueue(record(0, value), () => undefined);
  await clock.advance(100);
  assert.deepEqual(sizes, [500, 210]);
});

test('a callback that throws keeps no other record from its acknowledgement', async () => {
  const clock = createFakeClock();
  const { transport } = scripted([], clock);
  const producer = createProducerQueue(transport, { name: 'p', clock });
  const thrown: string[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => void thrown.push((error as Error).message));
  let acks = 0;
  producer.enqueue(record(0, 1), () => {
    throw new Error('a fault of the caller');
  });
  producer.enqueue(record(0, 2), () => (acks += 1));
  await clock.advance(100);
  process.setUncaughtExceptionCaptureCallback(null);
  assert.equal(acks, 1);
  assert.deepEqual(thrown, ['a fault of the caller']);
});

test('closed by who is told that his record may not be written: nothing is written, and all are told', async () => {
  const clock = createFakeClock();
  const { transport, log } = scripted([], clock);
  const producer = createProducerQueue(transport, { name: 'p', clock });
  const told: (string | undefined)[] = [];
  producer.enqueue(record(0, 1), (error) => told.push(error?.code));
  producer.enqueue({ ...record(0, 2), mayWrite: () => false }, (error) => {
    told.push(error?.code);
    void producer[Symbol.asyncDispose]();
  });
  producer.enqueue(record(0, 3), (error) => told.push(error?.code));
  await clock.advance(10);
  assert.deepEqual(told, ['FENCED', 'CLOSED', 'CLOSED']);
  assert.deepEqual([...log.values()].flat(), []);
});

test('who queues a record anew when there is no such partition hears of it later, and blocks nobody', async () => {
  const clock = createFakeClock();
  const transport: ProduceTransport = {
    leaderOf: () => 'unknown',
    refresh: async () => undefined,
    produce: async () => assert.fail(),
    reset: () => assert.fail(),
    close: async () => undefined,
  };
  const producer = createProducerQueue(transport, { name: 'p', clock });
  const refusedAt: number[] = [];
  const insist = () =>
    producer.enqueue(record(0, 1), (error) => {
      assert.equal(error?.code, 'RECORD_REFUSED');
      refusedAt.push(clock.monotonic());
      if (refusedAt.length === 100) assert.fail('told without asking');
      insist();
    });
  insist();
  await clock.advance(20_000);
  assert.ok(refusedAt.length >= 2 && refusedAt.length <= 4, refusedAt.join());
});

test('a partition that goes on to refuse writes is told of, again and again, and a change of leaders is not', async () => {
  const clock = createFakeClock();
  const told: string[] = [];
  const onTrouble = ({ message }: Error) => void told.push(message);
  const moved = scripted(Array<Answer>(5).fill('again'), clock);
  await using calm = createProducerQueue(moved.transport, { name: 'p', clock, onTrouble });
  const written = calm.send(record(0, 1));
  await clock.advance(5_000);
  await written;
  assert.deepEqual(told, []);

  const { transport } = scripted(Array<Answer>(25).fill('again'), clock);
  await using producer = createProducerQueue(transport, { name: 'p', clock, onTrouble });
  const sent = producer.send(record(0, 1));
  await clock.advance(40_000);
  await sent;
  assert.deepEqual(told, [
    't/0 cannot be written: 10 refusals, the last with error 6',
    't/0 cannot be written: 20 refusals, the last with error 6',
  ]);
});

test('a producer that has much to send gathers it into a request each three milliseconds; one that has little sends at once', async () => {
  for (const [perMs, requests] of [
    [10, 33],
    [1, 100],
  ] as const) {
    const clock = createFakeClock();
    const { transport } = scripted([], clock, 1);
    let sent = 0;
    const produce: ProduceTransport['produce'] = (leader, take) => {
      sent += 1;
      return transport.produce(leader, take);
    };
    const producer = createProducerQueue({ ...transport, produce }, { name: 'p', clock });
    for (let ms = 0; ms < 100; ms += 1) {
      for (let value = 0; value < perMs; value += 1)
        producer.enqueue(record(0, value), (error) => assert.equal(error, null));
      await clock.advance(1);
    }
    assert.ok(Math.abs(sent - requests) <= 1, `${perMs} a millisecond went into ${sent} requests in 100 ms`);
    await clock.advance(100);
    assert.equal(producer.backlog.records, 0);
    await producer[Symbol.asyncDispose]();
  }
});

test('what does not fit into one request is not waited with', async () => {
  const clock = createFakeClock();
  const { transport } = scripted([], clock);
  const producer = createProducerQueue(transport, { name: 'p', clock, batchRecordsMax: 500 });
  for (let value = 0; value < 1_500; value += 1) producer.enqueue(record(0, value), () => undefined);
  // A request takes 5 ms.
  await clock.advance(15);
  assert.equal(producer.backlog.records, 0);
});
