/** A watch over readings and ends that the test sets, on the fake clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createStallWatch, type Reading } from './stall-watch.ts';
import type { DispatcherEvents } from './events.ts';

function watched() {
  const clock = createFakeClock();
  const world = { position: 5, end: 5, away: false, reads: true, told: 0, reconnected: 0 };
  const watch = createStallWatch({
    clock,
    events: {
      readingStalled: () => void (world.told += 1),
      kafkaTrouble: () => undefined,
    } as unknown as DispatcherEvents,
    freshOffsets: async () => {
      if (world.away) throw new Error('no broker answers');
      return [{ partition: 0, low: 0, high: world.end }];
    },
    readings: (): Reading[] => (world.reads ? [{ topic: 't', partition: 0, position: world.position }] : []),
    reconnect: () => void (world.reconnected += 1),
  });
  const pass = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed += 10) {
      await clock.advance(10_000);
      await watch.look();
    }
  };
  return { world, watch, pass };
}

test('reading that stands still is told of and reconnected once, then fails liveness, all within a minute', async () => {
  const { world, watch, pass } = watched();
  await pass(10);
  world.end = 7;
  await pass(30);
  assert.deepEqual([world.told, world.reconnected], [1, 1]);
  assert.equal(watch.check().ok, true);
  assert.deepEqual(watch.check().detail, { standingStill: ['t/0'] });
  await pass(30);
  assert.deepEqual([world.told, world.reconnected], [1, 1]);
  assert.equal(watch.check().ok, false);
  world.position = 7;
  await pass(10);
  assert.equal(watch.check().ok, true);
  assert.deepEqual(watch.check().detail, { standingStill: [] });
});

test('what is idle, paused on purpose, slow, or without a Kafka that answers does not stand still', async () => {
  const { world, watch, pass } = watched();
  await pass(120);
  world.end = 100;
  for (let round = 0; round < 12; round += 1) {
    world.position += 1;
    await pass(10);
  }
  world.reads = false;
  await pass(120);
  world.reads = true;
  world.away = true;
  await pass(120);
  world.away = false;
  await pass(10);
  assert.equal(world.told, 0);
  assert.equal(watch.check().ok, true);
});
