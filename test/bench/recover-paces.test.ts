import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { lanePaces, type Backlog } from './recover-paces.ts';
import { ArrivalLog, type Arrivals } from './rig/arrivals.ts';

const ROWS = 2;
const given = { seconds: 10, free: 1_000, firstLane: 5, excusedS: 0 };
const backlog = (fields: Partial<Backlog>): Backlog => ({
  ...{ lanes: 1, waiting: 11, perSecond: 10, reason: WaitReason.RETRY },
  ...fields,
});
/** Arrivals of the lane of endpoint 5, one every so many milliseconds, among others. */
function arrivals(count: number, everyMs: number): Arrivals {
  const log = new ArrivalLog();
  for (let number = 0; number < count; number += 1) {
    const common = { intendedAt: 0, arrivedAt: 7_000 + number * everyMs, number, status: 200 };
    log.push({ ...common, stream: ROWS, endpoint: 5 });
    log.push({ ...common, stream: 1, endpoint: 5 });
  }
  return log.take();
}

test('a lane that keeps its rate has its own time', () => {
  assert.deepEqual(lanePaces(arrivals(11, 100), ROWS, [backlog({})], given), { ratios: [[1]], delivered: 11 });
});

test('a lane that takes twice as long is told so, but for what is excused', () => {
  assert.deepEqual(lanePaces(arrivals(11, 200), ROWS, [backlog({})], given).ratios, [[2]]);
  assert.deepEqual(lanePaces(arrivals(11, 200), ROWS, [backlog({})], { ...given, excusedS: 1 }).ratios, [[1]]);
});

test('a lane that is not done is judged by all the time that was looked', () => {
  assert.deepEqual(lanePaces(arrivals(11, 100), ROWS, [backlog({ waiting: 500 })], given).ratios, [[10]]);
});

test('a lane of which nothing arrives is endlessly late', () => {
  assert.deepEqual(lanePaces(arrivals(11, 100), ROWS, [backlog({ lanes: 2 })], given).ratios, [[1, Infinity]]);
});

test('where the machine cannot do what all ask for, the time of each is longer', () => {
  assert.deepEqual(lanePaces(arrivals(11, 200), ROWS, [backlog({})], { ...given, free: 5 }).ratios, [[1]]);
});
