import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrivalLog } from './arrivals.ts';
import { flowOf, jainIndex, secondsOf } from './figures.ts';
import type { RigRun } from './run.ts';

const startAt = 5_000;
const stream = { id: 1, perSecond: 10, from: -1, to: 2, targets: [0] };

/** A run of two seconds in which request `n` (n/10 s after the start of the load) takes this long; null: it never comes. */
function run(tookMs: (number: number) => readonly number[]): RigRun {
  const log = new ArrivalLog();
  for (let number = 0; number < 30; number += 1)
    for (const took of tookMs(number)) {
      const intendedAt = startAt - 1_000 + number * 100;
      log.push({ intendedAt, arrivedAt: intendedAt + took, stream: 1, number, endpoint: 0, status: 200 });
    }
  const cpu = { dispatcherUs: 0, routerUs: 0, brokerUs: 0, sinkUs: 0, loadUs: 0 };
  const load = { written: 30, lateP99Ms: 0, lateMaxMs: 0, cpuUs: 0 };
  return { startAt, seconds: 2, streams: [stream], arrivals: log.take(), load, cpu, rssMib: [] };
}

test('what was to be sent before the measured time is not looked at', () => {
  const flow = flowOf([run((number) => [number < 10 ? 900 : 3])], { streams: [1] });
  assert.deepEqual(flow, {
    ...{ wanted: 20, arrived: 20, repeated: 0, throughput: 1.45 },
    ...{ p50Ms: 3, p90Ms: 3, p99Ms: 3, maxMs: 3 },
  });
});

test('what never arrives is slower than all else, and is missed in the throughput', () => {
  const flow = flowOf([run((number) => (number === 15 ? [] : [2]))], { streams: [1] });
  assert.equal(flow.p99Ms, Infinity);
  assert.equal(flow.p90Ms, 2);
  assert.equal(flow.throughput, 0.95);
});

test('what arrives again counts once, and is told', () => {
  const flow = flowOf([run(() => [2, 50])], { streams: [1] });
  assert.equal(flow.arrived, 20);
  assert.equal(flow.maxMs, 2);
  assert.equal(flow.repeated, 30);
});

test('what arrives after the measured time has its latency, and is missed in the throughput', () => {
  const flow = flowOf([run((number) => [number >= 28 ? 5_000 : 1])], { streams: [1] });
  assert.equal(flow.maxMs, 5_000);
  assert.equal(flow.throughput, 0.9);
});

test('each second is told by itself', () => {
  const seconds = secondsOf(
    run((number) => [number < 20 ? 1 : 4]),
    { streams: [1] },
  );
  assert.deepEqual(seconds, [
    { second: 0, count: 10, p50Ms: 1, p99Ms: 1, maxMs: 1 },
    { second: 1, count: 10, p50Ms: 4, p99Ms: 4, maxMs: 4 },
  ]);
});

test('fairness is 1 among equals, and less the more one has', () => {
  assert.equal(jainIndex([5, 5, 5]), 1);
  assert.equal(jainIndex([9, 0, 0]), 1 / 3);
  assert.ok(jainIndex([5, 5, 1]) < 0.9);
});
