import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBrokerClock } from './broker-clock.ts';

const MINUTE = 60_000;

/** A machine whose clock is off by so much; brokers' clocks are right. */
function machine(offMs: number) {
  let time = 1_000_000;
  const told: number[] = [];
  const own = { offMs };
  const clock = createBrokerClock(
    { now: () => time + own.offMs, monotonic: () => time, after: () => () => undefined },
    (correctionMs) => told.push(correctionMs),
  );
  return {
    ...{ clock, told, own },
    /** A broker stores something between the two, by a clock that is off itself. */
    hear({ sentAgoMs = 20, brokerOffMs = 0, storedAgoMs = 10 } = {}): void {
      time += sentAgoMs;
      clock.heard(time - storedAgoMs + brokerOffMs, sentAgoMs);
    },
    wait: (ms: number) => void (time += ms),
    error: () => clock.now() - time,
  };
}

test('a clock that is right, or a little off, is left alone', () => {
  for (const offMs of [0, 4_000, -4_000]) {
    const { hear, error, told } = machine(offMs);
    hear();
    hear({ sentAgoMs: 30_000 });
    assert.equal(error(), offMs);
    assert.deepEqual(told, []);
  }
});

test('a clock that is minutes off is corrected by the first write, before anything is sent', () => {
  for (const offMs of [10 * MINUTE, -10 * MINUTE]) {
    const { hear, error, told } = machine(offMs);
    hear();
    assert.equal(error(), 0);
    assert.deepEqual(told, [-offMs]);
  }
});

test('a write that took long proves nothing by the time that it took', () => {
  const { hear, told } = machine(-8_000);
  hear({ sentAgoMs: 20_000, storedAgoMs: 19_000 });
  assert.deepEqual(told, []);
  hear({ sentAgoMs: 20_000, storedAgoMs: 1_000 });
  assert.equal(told.length, 1);
});

test('a jump is not followed, whether a broker was heard since or not', () => {
  for (const offMs of [10 * MINUTE, -10 * MINUTE]) {
    const { hear, own, error, told } = machine(0);
    hear();
    own.offMs = offMs;
    assert.equal(error(), 0);
    hear();
    assert.equal(error(), 0);
    assert.deepEqual(told, [-offMs]);
  }
});

test('a clock that was wrong unnoticed is corrected when no broker has found it right for a while', () => {
  const { hear, wait, own, error } = machine(0);
  hear();
  for (let second = 0; second < 6; second += 1) {
    own.offMs += 1_500;
    hear({ brokerOffMs: own.offMs });
  }
  hear();
  assert.equal(error(), 9_000);
  wait(10_000);
  hear();
  assert.equal(error(), 0);
});

test('a jump that a broker confirms is followed', () => {
  const { hear, own, error, told } = machine(10 * MINUTE);
  own.offMs = 0;
  assert.equal(error(), 10 * MINUTE);
  hear();
  assert.equal(error(), 0);
  assert.deepEqual(told, []);
});

test('a clock that drifts is corrected again and again, and not with each write', () => {
  const { hear, wait, own, error, told } = machine(0);
  for (let second = 0; second < 1_200; second += 1) {
    own.offMs += 17;
    wait(1_000);
    hear();
    assert.ok(Math.abs(error()) < 6_000, String(error()));
  }
  assert.ok(told.length >= 2 && told.length <= 5, String(told.length));
});

test('a clock that is set right is used as it is', () => {
  const { hear, own, error, told } = machine(10 * MINUTE);
  hear();
  own.offMs = 0;
  hear();
  assert.equal(error(), 0);
  assert.equal(told.at(-1), 0);
});

test('one broker whose clock is wrong corrects nobody while another is heard', () => {
  const { hear, error } = machine(0);
  for (let times = 0; times < 100; times += 1) {
    hear();
    hear({ brokerOffMs: 10 * MINUTE });
    assert.equal(error(), 0);
  }
});
