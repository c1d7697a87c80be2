import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLaneOrder } from '@postrider/core';
import { createLane, enqueue, isForgettable, setRate, takeArrival, unqueue } from './lane.ts';
import type { Work } from './work.ts';

const owner = { mayStart: () => true, start: () => true, takeDue: () => undefined };
const arrival = (bytes: number): Work =>
  ({ bytes, queuedIn: null, origin: { bulk: false, offset: 0 } }) as unknown as Work;

test('a lane is forgotten when nothing would be lost with it, and not before', () => {
  const lane = createLane(owner, 'ep_1', 'acme');
  assert.ok(isForgettable(lane, 0));
  for (const [field, value] of [
    ['firsts', 1],
    ['inFlight', 1],
    ['rotating', true],
    ['heldUntil', 1],
    ['cancelWake', () => undefined],
    ['order', createLaneOrder()],
    ['breaker', { restedAt: 1 }],
  ] as const) {
    const busy = Object.assign(createLane(owner, 'ep_1', 'acme'), { [field]: value });
    assert.ok(!isForgettable(busy, 0), field);
  }
  lane.rows.held = 1;
  assert.ok(!isForgettable(lane, 0));
  lane.rows.held = 0;
  setRate(lane, 10, 1_000);
  lane.rate?.take(0);
  assert.ok(!isForgettable(lane, 50));
  assert.ok(isForgettable(lane, 1_000));
});

test('what is held is not among what may start, and both count as queued bytes', () => {
  const lane = createLane(owner, 'ep_1', 'acme');
  const [first, second] = [arrival(10), arrival(20)];
  enqueue(lane, first, 'held');
  enqueue(lane, second, 'arrivals');
  assert.equal(lane.queuedBytes, 30);
  assert.equal(takeArrival(lane), second);
  assert.equal(takeArrival(lane), undefined);
  unqueue(lane, first);
  unqueue(lane, first);
  assert.deepEqual([lane.queuedBytes, lane.held.size, lane.queuedArrivals], [0, 0, 0]);
});

test('a lane that starts nothing keeps none of the first attempts that were put meanwhile', () => {
  const lane = createLane(owner, 'ep_1', 'acme');
  const kept = Array.from({ length: 10 }, () => arrival(1));
  for (const work of kept) enqueue(lane, work, 'arrivals');
  for (let i = 0; i < 1_000; i += 1) {
    const put = arrival(1);
    enqueue(lane, put, 'arrivals');
    unqueue(lane, put);
  }
  assert.ok(lane.arrivals.entries.length < 100, `${lane.arrivals.entries.length} entries`);
  assert.deepEqual(
    Array.from({ length: 11 }, () => takeArrival(lane)),
    [...kept, undefined],
  );
});

test('what is queued anew keeps its place, and is taken once', () => {
  const lane = createLane(owner, 'ep_1', 'acme');
  const [first, second] = [arrival(1), arrival(1)];
  enqueue(lane, first, 'arrivals');
  enqueue(lane, second, 'arrivals');
  for (let i = 0; i < 1_000; i += 1) {
    unqueue(lane, first);
    enqueue(lane, first, 'arrivals');
  }
  assert.ok(lane.arrivals.entries.length < 100, `${lane.arrivals.entries.length} entries`);
  assert.deepEqual([takeArrival(lane), takeArrival(lane), takeArrival(lane)], [first, second, undefined]);
});
