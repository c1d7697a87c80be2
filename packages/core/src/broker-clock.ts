import { limits } from './limits.ts';
import type { Clock } from './clock.ts';

/**
 * A machine's clock, held against what brokers say of the time. Signatures carry the time, and receivers reject those that
 * are minutes off: a machine whose clock is wrong would fail every delivery, each by what looks like the endpoint's fault.
 *
 * | clock | becomes | when |
 * |---|---|---|
 * | right | corrected | a broker's time lies 5 s outside of what it can be, and none has found the clock right within 10 s |
 * | right | corrected | the clock has jumped by more than 5 s, and a broker's time does not confirm it |
 * | corrected | corrected anew | either, of the corrected clock |
 * | corrected | right | a broker's time is what the machine's own clock says |
 *
 * A jump is not followed before a broker was heard: until then time goes on from where it was. One broker whose clock is
 * wrong corrects nobody for longer than it takes to hear another.
 */
export interface BrokerClock extends Clock {
  /** What is added to the machine's clock (ms); 0: it is right, as far as is known. */
  readonly correctionMs: number;
  /** A broker stored something at `storedAt` by its clock, between `sentAgoMs` ago and now. */
  readonly heard: (storedAt: number, sentAgoMs: number) => void;
}

/** `onChange` is called with each new correction (ms). */
export function createBrokerClock(machine: Clock, onChange: (correctionMs: number) => void): BrokerClock {
  let correctionMs = 0;
  let rightAt = -Infinity;
  /** What the machine's clock was ahead of its monotonic one when a broker was last heard. */
  let ahead = machine.now() - machine.monotonic();

  const hasJumped = (now: number, at: number): boolean => Math.abs(now - at - ahead) > limits.clockOffMaxMs;

  function set(ms: number, now: number, at: number): void {
    ahead = now - at;
    if (ms === correctionMs) return;
    correctionMs = ms;
    onChange(ms);
  }

  return {
    now() {
      const now = machine.now();
      const at = machine.monotonic();
      return (hasJumped(now, at) ? at + ahead : now) + correctionMs;
    },
    monotonic: () => machine.monotonic(),
    after: (delayMs, callback) => machine.after(delayMs, callback),
    ...(machine.every !== undefined && { every: machine.every }),
    get correctionMs() {
      return correctionMs;
    },
    heard(storedAt, sentAgoMs) {
      const now = machine.now();
      const at = machine.monotonic();
      if (mayBeRight(now, storedAt, sentAgoMs)) {
        rightAt = at;
        set(0, now, at);
      } else if (hasJumped(now, at) || at - rightAt >= limits.clockFoundRightMs) {
        const isRight = !hasJumped(now, at) && mayBeRight(now + correctionMs, storedAt, sentAgoMs);
        set(isRight ? correctionMs : Math.round(storedAt - (now - sentAgoMs / 2)), now, at);
      }
    },
  };
}

/** Whether a clock that shows `now` agrees with a time between `sentAgoMs` ago and now, but for what is tolerated. */
function mayBeRight(now: number, storedAt: number, sentAgoMs: number): boolean {
  return storedAt <= now + limits.clockOffMaxMs && storedAt >= now - sentAgoMs - limits.clockOffMaxMs;
}
