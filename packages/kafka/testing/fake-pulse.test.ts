import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from './fake-clock.ts';
import { createFakePulse } from './fake-pulse.ts';

test('each beat comes once, also at times that are fractions of a millisecond', async () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const clock = createFakeClock();
    await clock.advance(seed * 1_234.567_89 + 1 / seed);
    const pulse = createFakePulse(clock, clock.after, 600_000);
    let beats = 0;
    const cancel = pulse.every(1_000, () => {
      beats += 1;
      if (beats > 100) throw new Error('the same beat comes again and again');
    });
    for (let spell = 1; spell <= 3; spell += 1) {
      await clock.advance(700 / 3 + seed / 7);
      pulse.wake();
    }
    await clock.advance(3_600_000);
    cancel();
    assert.ok(beats >= 6 && beats <= 16, `${beats} beats in an hour without anything to do`);
  }
});
