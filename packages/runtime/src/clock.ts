/** A source of time. Structurally equal to the `Clock` of `@postrider/core`, which this package does not import. */
export interface SystemClock {
  /** Wall clock, milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since an arbitrary point; never goes back. */
  monotonic(): number;
  /** Calls `callback` once, `delayMs` from now. Returns a function that cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The longest delay Node's timers keep; anything longer would fire at once. */
const timerDelayMaxMs = 2 ** 31 - 1;

/** The machine's own clock. Delays longer than Node's timers can hold (24.8 days) are cut into pieces. */
export const systemClock: SystemClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    if (Number.isNaN(delayMs)) throw new RangeError('delayMs is not a number');
    let timer: NodeJS.Timeout;
    let left = delayMs;
    const arm = (): void => {
      const piece = Math.min(left, timerDelayMaxMs);
      left -= piece;
      timer = setTimeout(() => (left > 0 ? arm() : callback()), piece);
    };
    arm();
    return () => clearTimeout(timer);
  },
};
