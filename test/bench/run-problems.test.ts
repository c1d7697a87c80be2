import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProblems } from './run-problems.ts';
import type { DispatchRun } from './dispatch-run.ts';

const whole: DispatchRun['whole'] = {
  partitions: 2,
  attempts: 1_500,
  sinkRequests: 1_500,
  done: { byPartition: [900, 600], total: 1_500, released: 2 },
  preloadedByPartition: [1_000, 1_000],
  tierRecords: {},
  deadLetters: 0,
};
const clean: DispatchRun = {
  kind: 'dispatch',
  attempts: 1_000,
  sinkRequests: 1_003,
  cpuUs: 1,
  wallUs: 1,
  brokerCpuUs: null,
  sinkCpuUs: 1,
  progressRecords: 20,
  connections: 1,
  inFlightMean: 1,
  whole,
  from: 0,
  to: 1,
};
const problemsOf = (run: Partial<DispatchRun>, inAll: Partial<DispatchRun['whole']> = {}) =>
  runProblems({ ...clean, ...run, whole: { ...whole, ...inAll } }, { inFlight: 4, seconds: 10 }).join('\n');

test('a run whose counts agree has no problems', () => {
  assert.equal(problemsOf({}), '');
});

test('a partition without endpoints is no problem', () => {
  const done = { byPartition: [1_500, 0], total: 1_500, released: 2 };
  assert.equal(problemsOf({}, { done, preloadedByPartition: [2_000, 0] }), '');
});

test('a few deliveries may wait', () => {
  assert.equal(problemsOf({}, { tierRecords: { 'retry.1m tombstone': 3 } }), '');
});

test('each count that disagrees is told', () => {
  assert.match(problemsOf({ attempts: 0, sinkRequests: 0 }), /no attempt/);
  assert.match(problemsOf({ sinkRequests: 3_100 }), /1000 attempts .* 3100 requests/);
  assert.match(problemsOf({ progressRecords: 9 }), /only 9 progress records/);
  assert.match(problemsOf({}, { sinkRequests: 1_501 }), /1500 attempts in all.* 1501 requests/);
  const done = { byPartition: [900, 599], total: 1_499, released: 1 };
  assert.match(problemsOf({}, { done }), /1499 deliveries are done\n1 of 2 partitions were released/);
  assert.match(problemsOf({}, { preloadedByPartition: [900, 1_000] }), /partition 0 ran dry of its 900/);
  assert.match(problemsOf({}, { tierRecords: { 'retry.1m tombstone': 4 } }), /had to wait: 4 × retry.1m tombstone/);
  assert.match(problemsOf({}, { deadLetters: 1 }), /1 deliveries died/);
});
