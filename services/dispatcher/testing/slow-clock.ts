import { createFakeClock } from '@postrider/kafka/testing';

/** A clock of which a test decides how long each step takes. */
export function slowClock() {
  const fake = createFakeClock();
  let spent = 0;
  const clock = { ...fake, monotonic: () => fake.monotonic() + spent, now: fake.now, after: fake.after };
  return { fake, clock, spend: (ms: number) => void (spent += ms) };
}
