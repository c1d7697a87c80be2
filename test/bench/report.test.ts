import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarize, table } from './report.ts';
import type { DispatchRun } from './dispatch-run.ts';
import type { RawRun } from './raw-loop.ts';

const raw = (requests: number, cpuUs: number): RawRun => ({
  kind: 'raw',
  requests,
  cpuUs,
  wallUs: 10e6,
  connections: 10,
});
const dispatch = (attempts: number, cpuUs: number): DispatchRun => ({
  kind: 'dispatch',
  attempts,
  sinkRequests: attempts,
  cpuUs,
  wallUs: 20e6,
  brokerCpuUs: null,
  sinkCpuUs: 1,
  progressRecords: 1,
  connections: 12,
  inFlightMean: 1.5,
  from: 0,
  to: 1,
  whole: {
    partitions: 1,
    attempts,
    sinkRequests: attempts,
    done: { byPartition: [attempts], total: attempts, released: 1 },
    preloadedByPartition: [attempts + 1],
    tierRecords: {},
    deadLetters: 0,
  },
});
const runs = [raw(1_000, 30_000), dispatch(3_000, 180_000), dispatch(1_000, 100_000), raw(3_000, 90_000)];
const options = {
  seconds: 20,
  endpoints: 5,
  bodyBytes: 64,
  inFlight: 2,
  logLevel: 'info',
  profile: false,
  record: false,
} as const;
const machine = { cores: 2, cpu: 'some', node: '26.0.0', kafka: '4.3.1', loadBefore: 0.5, loadAfter: 2 };

test('figures are over all runs of a kind, and the ratio is between CPU times', () => {
  const summary = summarize(runs, options, machine);
  assert.equal(summary.deliveriesPerSecond, 100);
  assert.equal(summary.cpuUsPerDelivery, 70);
  assert.equal(summary.rawRequestsPerSecond, 200);
  assert.equal(summary.rawCpuUsPerRequest, 30);
  assert.equal(summary.cpuRatio, 2.333);
  assert.equal(summary.seconds, 40);
  assert.equal(summary.attemptsAcked, 4_000);
});

test('the table shows every run and the ratio', () => {
  const text = table(runs, summarize(runs, options, machine));
  assert.match(text, /^dispatch +20\.0 +3000 +150 +60\.0 +1 % +12 +1\.5$/m);
  assert.match(text, /^raw +10\.0 +1000 +100 +30\.0 +0 % +10 +–$/m);
  assert.match(text, /ratio 2\.333/);
  assert.doesNotMatch(text, /waited/);
});

test('deliveries that had to wait are told', () => {
  const waiting = dispatch(1_000, 1_000);
  const all = [raw(1, 1), { ...waiting, whole: { ...waiting.whole, tierRecords: { 'retry.1m tombstone': 2 } } }];
  const summary = summarize(all, options, machine);
  assert.equal(summary.tierRecords, 2);
  assert.match(table(all, summary), /Of 1000 deliveries some waited: 2 × retry\.1m tombstone/);
});
