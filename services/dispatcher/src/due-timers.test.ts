import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFakeClock } from '@postrider/kafka/testing';
import { createDueTimers } from './due-timers.ts';

test('each callback runs at its time, in order of time, and what is cancelled never runs', async () => {
  const entries = fc.array(fc.record({ delay: fc.nat(200_000), cancelled: fc.boolean() }), { maxLength: 50 });
  await fc.assert(
    fc.asyncProperty(entries, async (plans) => {
      const clock = createFakeClock();
      const timers = createDueTimers(clock);
      const start = clock.now();
      const ran: [number, number][] = [];
      const handles = plans.map(({ delay }, index) =>
        timers.at(start + delay, () => ran.push([index, clock.now() - start])),
      );
      plans.forEach(({ cancelled }, index) => cancelled && timers.cancel(handles[index] as (typeof handles)[number]));
      await clock.advance(200_000);
      const wanted = plans
        .map(({ delay, cancelled }, index) => ({ index, delay, cancelled }))
        .filter(({ cancelled }) => !cancelled)
        .toSorted((a, b) => a.delay - b.delay || a.index - b.index)
        .map(({ index, delay }): [number, number] => [index, delay]);
      assert.deepEqual(ran, wanted);
      assert.equal(timers.size, 0);
    }),
    { numRuns: 50 },
  );
});

test('a wall clock that steps back makes nothing early, one that steps forwards is noticed within a minute', async () => {
  const clock = createFakeClock();
  const timers = createDueTimers(clock);
  const due = clock.now() + 30_000;
  const ran: number[] = [];
  timers.at(due, () => ran.push(clock.now()));
  clock.stepWallClock(-10_000);
  await clock.advance(39_999);
  assert.equal(ran.length, 0);
  await clock.advance(1);
  assert.deepEqual(ran, [due]);
  timers.at(clock.now() + 3_600_000, () => ran.push(clock.now()));
  await clock.advance(1_000);
  clock.stepWallClock(3_600_000);
  await clock.advance(60_000);
  assert.equal(ran.length, 2);
});
