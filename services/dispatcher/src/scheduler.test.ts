/** Lanes whose starts are recorded and end when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '@postrider/kafka/testing';
import { createLane, enqueue, type Lane } from './lane.ts';
import { createScheduler } from './scheduler.ts';
import type { Work } from './work.ts';

function setUp(bounds: {
  readonly podInFlightMax: number;
  readonly laneInFlightFraction?: number;
  readonly podInFlightBytesMax?: number;
}) {
  const clock = createFakeClock();
  const unwritten = { records: 0 };
  const scheduler = createScheduler(clock, unwritten, {
    podInFlightBytesMax: 1_000_000,
    laneInFlightFraction: 1,
    ...bounds,
  });
  const started: string[] = [];
  const flying: Lane[] = [];
  let mayStart = true;
  const lane = (tenant: string, name: string, count: number, concurrencyMax = 100): Lane => {
    const owner = {
      takeDue: () => undefined,
      mayStart: () => mayStart,
      start: () => {
        started.push(name);
        flying.push(made);
        return true;
      },
    };
    const made = createLane(owner, name, tenant, concurrencyMax);
    made.gate = { kind: 'open' };
    made.concurrency.setCap(concurrencyMax);
    for (let i = 0; i < count; i += 1)
      enqueue(made, { bytes: 10, queuedIn: null, origin: { bulk: false, offset: i } } as unknown as Work, 'arrivals');
    return made;
  };
  const endOne = (): void => {
    const ended = flying.shift();
    if (ended !== undefined) scheduler.ended(ended, 10);
  };
  const stop = (): void => {
    mayStart = false;
  };
  return { clock, scheduler, unwritten, started, flying, lane, endOne, stop };
}

test('tenants take turns, then the lanes of each, whatever they have queued', () => {
  const { scheduler, started, lane, endOne } = setUp({ podInFlightMax: 1 });
  const first = lane('other', 'warm-up', 1);
  scheduler.ready(first);
  for (const one of [lane('big', 'big-1', 50), lane('big', 'big-2', 50), lane('small', 'small-1', 50)])
    scheduler.ready(one);
  for (let i = 0; i < 8; i += 1) endOne();
  assert.deepEqual(started.slice(1), ['big-1', 'small-1', 'big-2', 'small-1', 'big-1', 'small-1', 'big-2', 'small-1']);
});

test('a lane has at most its concurrency limit in flight, and at most its part of the pod', () => {
  const { scheduler, started, lane } = setUp({ podInFlightMax: 100, laneInFlightFraction: 0.05 });
  scheduler.ready(lane('a', 'narrow', 50, 3));
  scheduler.ready(lane('a', 'wide', 50, 64));
  assert.equal(started.filter((name) => name === 'narrow').length, 3);
  assert.equal(started.filter((name) => name === 'wide').length, 5);
});

test('a lane has at most its part of the bytes in flight, and one delivery whatever its size', () => {
  const bounds = { podInFlightMax: 100, laneInFlightFraction: 0.05 };
  const { scheduler, started, lane } = setUp({ ...bounds, podInFlightBytesMax: 600 });
  scheduler.ready(lane('a', 'three', 50));
  assert.equal(started.length, 3);
  const tiny = setUp({ ...bounds, podInFlightBytesMax: 20 });
  tiny.scheduler.ready(tiny.lane('a', 'one', 50));
  assert.equal(tiny.started.length, 1);
});

test('the pod has at most its limit in flight, and goes on as requests end', () => {
  const { scheduler, started, lane, endOne } = setUp({ podInFlightMax: 10 });
  scheduler.ready(lane('a', 'one', 50));
  assert.equal(started.length, 10);
  endOne();
  endOne();
  assert.equal(started.length, 12);
  assert.equal(scheduler.inFlight, 10);
  assert.equal(scheduler.bytesInFlight, 100);
});

test('nothing starts while too many results are not written, and all goes on when they are', () => {
  const { scheduler, unwritten, started, lane } = setUp({ podInFlightMax: 10 });
  unwritten.records = 10;
  scheduler.ready(lane('a', 'one', 5));
  assert.equal(started.length, 0);
  unwritten.records = 3;
  scheduler.written();
  assert.equal(started.length, 5);
});

test('a lane that is held starts when its time has come', async () => {
  const { clock, scheduler, started, lane } = setUp({ podInFlightMax: 10 });
  const held = lane('a', 'held', 5);
  held.heldUntil = clock.monotonic() + 500;
  scheduler.ready(held);
  await clock.advance(499);
  assert.equal(started.length, 0);
  await clock.advance(1);
  assert.equal(started.length, 5);
});

test('a dropped lane gives its room back and starts nothing more', () => {
  const { scheduler, started, lane, stop } = setUp({ podInFlightMax: 4 });
  const gone = lane('a', 'gone', 50);
  scheduler.ready(gone);
  assert.equal(scheduler.inFlight, 4);
  stop();
  scheduler.drop(gone);
  assert.equal(scheduler.inFlight, 0);
  assert.equal(started.length, 4);
});
