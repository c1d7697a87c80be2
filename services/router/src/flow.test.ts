import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@postrider/core';
import { createFakeClock, settleMicrotasks } from '@postrider/kafka/testing';
import { createBudget } from './budget.ts';
import { createFlow, type Routing } from './flow.ts';
import { KafkaError, type IncomingRecord, type Producer } from '@postrider/kafka';

const TOGETHER = limits.routerWritesTogetherMax;

/** A flow whose events are for as many endpoints as their offset says, over a producer that acknowledges when it is told to. */
function flowOf({ writingMax = 10_000 } = {}) {
  const clock = createFakeClock();
  const written: string[] = [];
  const waiting: Parameters<Producer['enqueue']>[1][] = [];
  const producer: Pick<Producer, 'enqueue'> = {
    enqueue(record, done) {
      written.push(String(record.key));
      waiting.push(done);
    },
  };
  const budget = (recordsMax: number) => createBudget({ recordsMax, bytesMax: 2 ** 30 });
  const route = ({ offset: count, partition }: IncomingRecord): Routing => ({
    count,
    record: (i) => ({ topic: 'deliveries', partition: 0, key: Buffer.from(`${partition}/${i}`), value: null }),
    orderOf: () => null,
    tooLarge: () => assert.fail('nothing is too large'),
  });
  const budgets = { queued: budget(10_000), writing: budget(writingMax) };
  const flow = createFlow({ producer, ...budgets, clock, route, onRefused: assert.fail });
  let number = 0;
  return {
    clock,
    flow,
    written,
    publish(count: number): { ended: boolean } {
      const event = { ended: false };
      const at = { topic: 'events', partition: number++, offset: count, timestamp: 0 };
      flow.accept({ ...at, key: null, value: null, headers: {} }, () => (event.ended = true));
      return event;
    },
    close() {
      for (const done of waiting.splice(0)) done(new KafkaError('CLOSED', 'the producer was closed'), null);
    },
    acknowledge() {
      for (const done of waiting.splice(0)) done(null, { topic: 'deliveries', partition: 0, offset: 0 });
    },
    /** What had been written when all else had its turn. */
    async afterTurn(): Promise<number> {
      let then = 0;
      clock.after(0, () => (then = written.length));
      await clock.advance(1);
      return then;
    },
  };
}

const keysOf = (event: number, count: number) => Array.from({ length: count }, (_, i) => `${event}/${i}`);

test('a wide event is written a stretch at a time, and what comes behind it waits for its last', async () => {
  const { flow, written, publish, acknowledge, afterTurn } = flowOf();
  const wide = publish(2 * TOGETHER + 10);
  const narrow = publish(1);
  assert.equal(written.length, TOGETHER);
  acknowledge();
  assert.equal(written.length, TOGETHER, 'an answer in between asks for no more');
  assert.equal(await afterTurn(), 2 * TOGETHER);
  assert.deepEqual(written, [...keysOf(0, 2 * TOGETHER + 10), '1/0'], 'each once, in the order of the events');
  assert.equal(wide.ended, false, 'not before all is acknowledged');
  acknowledge();
  assert.deepEqual([wide.ended, narrow.ended], [true, true]);
  await flow.drain();
});

test('many events that are read in one turn are one stretch together', async () => {
  const { flow, written, publish, acknowledge, afterTurn } = flowOf();
  for (let event = 0; event < 64; event += 1) publish(100);
  assert.equal(written.length, TOGETHER);
  assert.equal(await afterTurn(), 2 * TOGETHER);
  assert.deepEqual(written, Array.from({ length: 64 }, (_, event) => keysOf(event, 100)).flat());
  acknowledge();
  await flow.drain();
});

test('narrow events are written as they are read, however many', () => {
  const { written, publish } = flowOf();
  for (let event = 0; event < 200; event += 1) publish(event % 17);
  assert.equal(
    written.length,
    Array.from({ length: 200 }, (_, event) => event % 17).reduce((sum, count) => sum + count),
  );
});

test('what gathers behind a wide event is written in stretches too, also what nobody wants', async () => {
  const { flow, written, publish, acknowledge, afterTurn } = flowOf();
  publish(TOGETHER + 1);
  const unwanted = Array.from({ length: TOGETHER }, () => publish(0));
  publish(1);
  assert.equal(await afterTurn(), TOGETHER + 1);
  assert.equal(unwanted.filter(({ ended }) => ended).length, TOGETHER);
  assert.equal(written.at(-1), `${TOGETHER + 1}/0`);
  acknowledge();
  await flow.drain();
});

test('when its producer is closed nothing more is made', async () => {
  const { flow, written, publish, close, clock } = flowOf();
  const begun = publish(10 * TOGETHER);
  void flow.drain();
  close();
  await clock.advance(1_000);
  assert.equal(written.length, TOGETHER);
  assert.equal(begun.ended, false);
});

test('what is not acknowledged stays within its bound, stretches or not', async () => {
  const { flow, written, publish, acknowledge, clock } = flowOf({ writingMax: 200 });
  const event = publish(500);
  assert.equal(written.length, TOGETHER);
  await clock.advance(1);
  assert.equal(written.length, 200);
  await clock.advance(1_000);
  assert.equal(written.length, 200);
  for (let round = 0; round < 10; round += 1) {
    acknowledge();
    await clock.advance(1);
  }
  assert.deepEqual(written, keysOf(0, 500));
  assert.equal(event.ended, true);
  await flow.drain();
});

test('a stop writes what is begun to its end, and begins nothing more', async () => {
  const { flow, written, publish, acknowledge, clock } = flowOf();
  const begun = publish(TOGETHER + 100);
  const untouched = publish(1);
  let isDrained = false;
  const drained = flow.drain().then(() => (isDrained = true));
  acknowledge();
  await new Promise<void>(settleMicrotasks);
  assert.equal(isDrained, false, 'all that was written is acknowledged, and more of it is to be written');
  await clock.advance(1);
  acknowledge();
  await drained;
  assert.deepEqual(written, keysOf(0, TOGETHER + 100));
  assert.deepEqual([begun.ended, untouched.ended], [true, false]);
});

test('while it rests, partitions that are assigned anew forget what is not begun, and keep what is', async () => {
  const { clock, flow, written, publish, acknowledge } = flowOf();
  const begun = publish(TOGETHER + 1);
  const forgotten = publish(1);
  flow.dropUnrouted();
  await clock.advance(1);
  assert.equal(written.length, TOGETHER + 1);
  acknowledge();
  assert.deepEqual([begun.ended, forgotten.ended], [true, false]);
  await flow.drain();
});
