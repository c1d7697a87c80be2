import type { Clock } from '@postrider/core';

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Lets `ms` pass: runs every timer that falls due on the way, in order of due time (ties: in order of creation), and lets
   * everything that is ready (promises, next ticks, immediates) finish before each next timer and at the end.
   */
  advance(ms: number): Promise<void>;
  /** Lets no time pass, but runs what is ready, timers that are due now included. */
  runUntilIdle(): Promise<void>;
  /**
   * Goes from timer to timer until `condition` holds; the time that passed in ms. Rejects, naming `what`, once `limitMs`
   * (default 10 min) have passed in vain.
   */
  advanceUntil(condition: () => boolean, what?: string, limitMs?: number): Promise<number>;
  /** Steps the wall clock only, forwards or back: what an administrator or NTP does. Timers are not touched. */
  stepWallClock(ms: number): void;
  /** Timers that wait. */
  readonly timers: number;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | null;
}

const LIMIT_MS_DEFAULT = 600_000;
/** 2026-01-01T00:00:00Z: a plausible time, so that code which mixes up wall clock and monotonic time is caught. */
const START_MS = 1_767_225_600_000;

/** A new fake clock. `now` is its first wall clock reading; the monotonic one starts at 1,000. */
export function createFakeClock(now: number = START_MS, settle: Settle = settleImmediates): FakeClock {
  let monotonic = 1_000;
  let wallOffset = now - monotonic;
  let created = 0;
  let busy = false;
  const queue = timerQueue();

  /** Runs due timers up to and including `target`; stops early when `until` holds. */
  async function run(target: number, until: () => boolean): Promise<void> {
    if (busy) throw new Error('the clock is already being advanced: await the first call');
    busy = true;
    try {
      await repeat(settle, () => {
        const next = queue.next();
        if (next === undefined || next.at > target || until()) return false;
        queue.pop();
        monotonic = Math.max(monotonic, next.at);
        const { callback } = next;
        next.callback = null;
        callback?.();
        return true;
      });
    } finally {
      busy = false;
    }
  }

  return {
    now: () => wallOffset + monotonic,
    monotonic: () => monotonic,
    after(delayMs, callback) {
      const timer: Timer = { at: monotonic + Math.max(0, delayMs), order: created++, callback };
      queue.push(timer);
      return () => {
        if (timer.callback === null) return;
        timer.callback = null;
        queue.cancelled();
      };
    },
    async advance(ms) {
      if (!(ms >= 0) || ms === Infinity)
        throw new RangeError(`time can only be advanced by a finite ms >= 0, not ${ms}`);
      const target = monotonic + ms;
      await run(target, () => false);
      monotonic = target;
    },
    runUntilIdle: () => run(monotonic, () => false),
    async advanceUntil(condition, what = 'the condition', limitMs = LIMIT_MS_DEFAULT) {
      const start = monotonic;
      await run(start + limitMs, condition);
      if (!condition()) {
        const why = queue.size() === 0 ? 'nothing is scheduled any more' : `${limitMs} ms have passed`;
        throw new Error(`${what} did not come true: ${why}`);
      }
      return monotonic - start;
    },
    stepWallClock(ms) {
      wallOffset += ms;
    },
    get timers() {
      return queue.size();
    },
  };
}

/** How a clock lets everything finish that is ready, before it calls `then`. */
export type Settle = (then: () => void) => void;

/**
 * Until no microtask is ready any more: enough, and many times faster, where nothing uses immediates or real input and
 * output. A next tick runs only after all microtasks before it.
 */
export function settleMicrotasks(then: () => void): void {
  // Next ticks do not wait for the microtasks of the next tick before them: only one that a microtask asks for does.
  queueMicrotask(() => process.nextTick(then));
}

/** Settles and calls `step` in turn, until that returns false. By callbacks: a promise a timer costs more than most timers. */
function repeat(settle: Settle, step: () => boolean): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const next = (): void => {
      try {
        if (step()) settle(next);
        else resolve();
      } catch (error) {
        reject(error as Error);
      }
    };
    settle(next);
  });
}

/** Until nothing is ready any more; an immediate runs only after all microtasks and next ticks before it. */
function settleImmediates(then: () => void): void {
  // Twice: what the first turn's callbacks made ready by setImmediate runs in the second.
  setImmediate(() => void setImmediate(then));
}

/** A binary heap by (due time, creation); cancelled timers are dropped when they come up. */
function timerQueue() {
  const heap: Timer[] = [];
  let live = 0;
  const before = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);

  function push(timer: Timer): void {
    live += 1;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(timer, heap[parent] as Timer)) break;
      heap[at] = heap[parent] as Timer;
      at = parent;
    }
    heap[at] = timer;
  }

  function drop(): void {
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      if (!before(heap[child] as Timer, last)) break;
      heap[at] = heap[child] as Timer;
      at = child;
    }
    heap[at] = last;
  }

  return {
    push,
    pop() {
      live -= 1;
      drop();
    },
    next(): Timer | undefined {
      while (heap[0] !== undefined && heap[0].callback === null) drop();
      return heap[0];
    },
    cancelled() {
      live -= 1;
    },
    size: () => live,
  };
}

/** Lets time pass, `stepMs` by `stepMs`, until the promise has settled; and then settles as it did. */
export async function settled<T>(clock: FakeClock, promise: PromiseLike<T>, stepMs = 100): Promise<T> {
  let done = false;
  const ended = Promise.resolve(promise).finally(() => (done = true));
  ended.catch(() => {});
  while (!done) await clock.advance(stepMs);
  return ended;
}
