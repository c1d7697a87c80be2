import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { liveBytes } from '../../../test/bench/live-bytes.ts';
import { createHarness } from '../testing/harness.ts';
import { createOwnBytesSweep, giveOwnBytes } from './own-bytes.ts';
import { createSlices } from './slices.ts';
import type { Work } from './work.ts';

const MIB = 1_024 * 1_024;

/** A queued delivery of so many bytes, read as the first part of an answer. */
function readFrom(answer: Buffer, bytes = 1_000): Work {
  answer.fill('h', 0, 100);
  answer.fill('b', 100, bytes);
  const header = answer.subarray(0, 100);
  return {
    ...{ queuedIn: 'arrivals', readyAt: 0, view: { header, deliveryId: 'dlv_1' } },
    delivery: { header, body: answer.subarray(100, bytes) },
  } as unknown as Work;
}

/** All of them, at that time. */
async function sweep(works: readonly Work[], now: number): Promise<void> {
  const clock = createFakeClock(now);
  createOwnBytesSweep({ slices: createSlices(clock), clock, tables: () => [works] }).run();
  await clock.runUntilIdle();
}

test('what waits in memory keeps no more of it alive than about what it takes itself', async () => {
  const before = await liveBytes();
  const works = Array.from({ length: 100 }, () => readFrom(Buffer.allocUnsafeSlow(MIB)));
  await sweep(works, 999);
  assert.ok((await liveBytes()) - before >= 100 * MIB);
  await sweep(works, 1_000);
  assert.ok((await liveBytes()) - before < 10 * MIB);
  for (const { delivery, view } of works) {
    assert.equal(delivery?.header.toString(), 'h'.repeat(100));
    assert.equal(delivery.body.toString(), 'b'.repeat(900));
    assert.equal(view?.header, delivery.header);
  }
});

test('what has started meanwhile, and what is most of its answer, is not copied', async () => {
  const started = readFrom(Buffer.allocUnsafeSlow(MIB));
  const large = readFrom(Buffer.allocUnsafeSlow(MIB), 600_000);
  const before = [started.delivery, large.delivery];
  started.queuedIn = null;
  await sweep([started, large], 10_000);
  assert.deepEqual([started.delivery === before[0], large.delivery === before[1]], [true, true]);
});

test('a backlog that is read in one answer is not copied while most of it waits; what is left of it is', async () => {
  const answer = Buffer.allocUnsafeSlow(MIB);
  const works = Array.from({ length: 500 }, (_, index) => readFrom(answer.subarray(index * 1_000)));
  const copied = () => works.filter(({ delivery }) => delivery?.body.buffer !== answer.buffer).length;
  await sweep(works, 10_000);
  assert.equal(copied(), 0);
  // What is sent meanwhile counts no more.
  for (const work of works.slice(10)) work.queuedIn = null;
  await sweep(works, 10_000);
  assert.equal(copied(), 10);
});

test('a body whose header was written anew is judged by its own answer', () => {
  const work = readFrom(Buffer.allocUnsafeSlow(MIB), 60_000);
  const { body } = work.delivery ?? assert.fail();
  const header = Buffer.from('anew');
  work.delivery = { header, body };
  giveOwnBytes(work);
  assert.deepEqual([work.delivery.body.equals(body), work.delivery.body.buffer.byteLength], [true, body.length + 4]);
});

test('what has no bytes in memory is left alone', () => {
  const work = { delivery: null, view: null } as unknown as Work;
  giveOwnBytes(work);
  assert.equal(work.delivery, null);
});

test('a request that may be waited for long is made with bytes of its own', async () => {
  const h = createHarness();
  h.config.endpoint('shop');
  const kept: number[] = [];
  const dispatcher = await h.start(
    'a',
    {},
    {
      wrapSend: (send) => (request, done) => {
        kept.push(request.body.buffer.byteLength);
        send(request, done);
      },
    },
  );
  // The fake Kafka makes small buffers, which share a larger one.
  for (const event of ['first', 'second']) {
    h.deliver(event, 'shop');
    await h.until(() => h.received(event).length === 1, 'it is sent');
    await h.clock.advance(1_000);
  }
  assert.ok((kept[0] ?? Infinity) < 1_000 && (kept[1] ?? 0) >= Buffer.poolSize, kept.join());
  await h.stop(dispatcher);
});
