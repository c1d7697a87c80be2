import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('after calls back once its delay has passed on the monotonic clock', async () => {
  const started = systemClock.monotonic();
  await new Promise<void>((resolve) => systemClock.after(20, resolve));
  // Node rounds timers to whole milliseconds, so one may be missing.
  assert.ok(systemClock.monotonic() - started >= 19);
});

test('a cancelled callback is never called', async () => {
  let called = false;
  const cancel = systemClock.after(1, () => (called = true));
  cancel();
  cancel();
  await new Promise<void>((resolve) => systemClock.after(10, resolve));
  assert.equal(called, false);
});

test('a delay beyond what a timer can hold does not fire at once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let called = 0;
  const day = 86_400_000;
  systemClock.after(30 * day, () => called++);
  t.mock.timers.tick(2 ** 31 - 1);
  assert.equal(called, 0);
  t.mock.timers.tick(30 * day - (2 ** 31 - 1) - 1);
  assert.equal(called, 0);
  t.mock.timers.tick(1);
  assert.equal(called, 1);
});

test('a delay that is not a number is refused', () => {
  assert.throws(() => systemClock.after(Number.NaN, () => {}), /delayMs is not a number/);
});

test('now is the wall clock in milliseconds', () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
});
