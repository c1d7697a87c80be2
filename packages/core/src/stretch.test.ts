import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStretch } from './stretch.ts';

/** A stretch of `max` parts on a clock that is moved by hand. */
function setUp(max: number) {
  let time = 0;
  let due: (() => void)[] = [];
  let calls = 0;
  const clock = {
    now: () => time,
    monotonic: () => time,
    after: (_ms: number, callback: () => void) => {
      due.push(callback);
      return () => undefined;
    },
  };
  const stretch = createStretch(clock, () => (calls += 1), max);
  return {
    calls: () => calls,
    /** Does as many of so many as may be done now. */
    take(wanted: number): number {
      let done = 0;
      if (!stretch.isOver) stretch.begin(clock.monotonic());
      for (; done < wanted && !stretch.isOver; done += 1) stretch.taken();
      stretch.end(clock.monotonic());
      return done;
    },
    /** All else has its turn. */
    turn(ms = 1): void {
      time += ms;
      const now = due;
      due = [];
      for (const callback of now) callback();
    },
  };
}

test('so many are done together; the others go on when all else had its turn', () => {
  const { take, calls, turn } = setUp(8);
  assert.equal(take(20), 8);
  assert.equal(take(20), 0);
  assert.equal(calls(), 0);
  turn(0);
  assert.equal(calls(), 1);
  assert.equal(take(12), 8);
  turn(0);
  assert.equal(take(4), 4);
});

test('what is asked for from many places of one turn counts together', () => {
  const { take, turn } = setUp(8);
  assert.deepEqual([take(3), take(3), take(3)], [3, 3, 2]);
  turn();
  assert.equal(take(8), 8);
});

test('whoever does one now and then is never held up', () => {
  const { take, calls, turn } = setUp(3);
  for (let round = 0; round < 10; round += 1) {
    assert.equal(take(2), 2);
    turn();
  }
  assert.equal(calls(), 0);
});
