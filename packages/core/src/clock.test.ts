import assert from 'node:assert/strict';
import { test } from 'node:test';
import { every, type Clock } from './clock.ts';

/** A clock whose only timer is fired by hand. */
function handClock(): Clock & { fire(): void; readonly planned: number | null } {
  let timer: { readonly delayMs: number; readonly callback: () => void } | null = null;
  return {
    now: () => 0,
    monotonic: () => 0,
    after(delayMs, callback) {
      const mine = { delayMs, callback };
      timer = mine;
      return () => {
        if (timer === mine) timer = null;
      };
    },
    get planned() {
      return timer?.delayMs ?? null;
    },
    fire() {
      const due = timer;
      timer = null;
      due?.callback();
    },
  };
}

test('every calls again after each interval, until it is cancelled, even from inside a call', () => {
  const clock = handClock();
  let calls = 0;
  const cancel = every(clock, 250, () => {
    calls += 1;
    if (calls === 3) cancel();
  });
  for (let round = 0; round < 5; round += 1) clock.fire();
  assert.equal(calls, 3);
  assert.equal(clock.planned, null);
});

test('a call that throws does not end the calls after it', () => {
  const clock = handClock();
  every(clock, 250, () => {
    throw new Error('once');
  });
  assert.throws(() => clock.fire(), /once/);
  assert.equal(clock.planned, 250);
});

test('a clock with an every of its own is asked for it', () => {
  const asked: number[] = [];
  const clock: Clock = {
    ...handClock(),
    every: (intervalMs) => {
      asked.push(intervalMs);
      return () => undefined;
    },
  };
  every(clock, 1_000, () => undefined);
  assert.deepEqual(asked, [1_000]);
});
