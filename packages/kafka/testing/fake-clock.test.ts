import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFakeClock, settleMicrotasks } from './fake-clock.ts';

test('timers run in order of due time, ties in order of creation, each at its own time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 40 }), async (delays) => {
      const clock = createFakeClock();
      const start = clock.monotonic();
      const ran: [number, number][] = [];
      delays.forEach((delay, index) => clock.after(delay, () => ran.push([clock.monotonic() - start, index])));
      await clock.advance(50);
      const wanted = delays.map((delay, index): [number, number] => [delay, index]);
      assert.deepEqual(
        ran,
        wanted.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]),
      );
    }),
    { numRuns: 30 },
  );
});

test('what a timer makes ready has happened before the next timer runs', async () => {
  const clock = createFakeClock();
  const seen: string[] = [];
  clock.after(1, () => {
    void (async () => {
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      seen.push('first');
    })();
  });
  clock.after(1, () => seen.push('second'));
  await clock.advance(1);
  assert.deepEqual(seen, ['first', 'second']);
});

test('a timer made on the way runs if it falls due in the same advance', async () => {
  const clock = createFakeClock();
  let ticks = 0;
  const tick = () => {
    ticks += 1;
    clock.after(10, tick);
  };
  clock.after(10, tick);
  await clock.advance(100);
  assert.equal(ticks, 10);
  assert.equal(clock.timers, 1);
});

test('a cancelled timer never runs, and cancelling twice or late is harmless', async () => {
  const clock = createFakeClock();
  const cancel = clock.after(5, () => assert.fail('cancelled'));
  cancel();
  cancel();
  let ran = 0;
  const late = clock.after(5, () => (ran += 1));
  await clock.advance(5);
  late();
  assert.equal(ran, 1);
  assert.equal(clock.timers, 0);
});

test('wall clock and monotonic time advance together, and only the wall clock steps', async () => {
  const clock = createFakeClock(5_000_000);
  const mono = clock.monotonic();
  await clock.advance(250);
  assert.equal(clock.now(), 5_000_250);
  clock.stepWallClock(-1_000);
  assert.equal(clock.now(), 4_999_250);
  assert.equal(clock.monotonic(), mono + 250);
});

test('runUntilIdle lets no time pass', async () => {
  const clock = createFakeClock();
  const seen: string[] = [];
  clock.after(0, () => seen.push('due'));
  clock.after(1, () => seen.push('later'));
  await clock.runUntilIdle();
  assert.deepEqual(seen, ['due']);
});

test('advanceUntil stops at the timer that made the condition true, and names what never came true', async () => {
  const clock = createFakeClock();
  let done = false;
  clock.after(70, () => (done = true));
  clock.after(71, () => assert.fail('too far'));
  assert.equal(await clock.advanceUntil(() => done), 70);
  await assert.rejects(
    createFakeClock().advanceUntil(() => false, 'the load'),
    /the load did not come true: nothing is scheduled/,
  );
});

test('advancing while advancing is refused', async () => {
  const clock = createFakeClock();
  const first = clock.advance(1);
  await assert.rejects(clock.advance(1), /already being advanced/);
  await first;
});

test('microtasks alone are settled, too: all that a timer made ready has run before the next timer', async () => {
  const clock = createFakeClock(0, settleMicrotasks);
  const told: string[] = [];
  for (const name of ['first', 'second'])
    clock.after(1, () => {
      void (async () => {
        for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
        told.push(`${name} settled`);
      })();
      told.push(name);
    });
  await clock.advance(1);
  assert.deepEqual(told, ['first', 'first settled', 'second', 'second settled']);
});
