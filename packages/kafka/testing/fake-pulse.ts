import type { Clock } from '@postrider/core';

/**
 * The periodic work of one process. Called at each interval while something comes in or goes out, and for one interval
 * after that; then only every `idleMs`, at the same beats, so that days in which nothing happens cost next to nothing.
 */
export interface FakePulse {
  every(intervalMs: number, callback: () => void): () => void;
  /** Something comes in or goes out. */
  wake(): void;
  /** The process is dead. */
  stop(): void;
}

interface Beat {
  readonly intervalMs: number;
  readonly callback: () => void;
  /** One of its beats; all others are whole intervals away from it. */
  readonly base: number;
  idle: boolean;
  cancel: () => void;
}

/** Intervals without anything that make a process idle. */
const QUIET_INTERVALS = 1;

/** Times may be fractions, whose sums are a little off: a beat that is so near (in intervals) is the present one. */
const HAIR = 1e-6;

/** A pulse on a process's own timers. `idleMs` 0: it never idles. */
export function createFakePulse(clock: Clock, after: Clock['after'], idleMs: number): FakePulse {
  const beats = new Set<Beat>();
  let wokenAt = clock.monotonic();
  let idlers = 0;

  function plan(beat: Beat, idle: boolean): void {
    const { base, intervalMs } = beat;
    const now = clock.monotonic();
    if (beat.idle !== idle) idlers += idle ? 1 : -1;
    beat.idle = idle;
    const beatsAhead = idle ? Math.max(1, Math.floor(idleMs / intervalMs)) : 1;
    const nextAt = base + (Math.floor((now - base) / intervalMs + HAIR) + beatsAhead) * intervalMs;
    beat.cancel = after(nextAt - now, () => {
      plan(beat, idleMs > intervalMs && clock.monotonic() - wokenAt > QUIET_INTERVALS * intervalMs);
      beat.callback();
    });
  }

  return {
    every(intervalMs, callback) {
      const beat: Beat = { intervalMs, callback, base: clock.monotonic(), idle: false, cancel: () => undefined };
      beats.add(beat);
      plan(beat, false);
      return () => {
        beat.cancel();
        if (beat.idle) idlers -= 1;
        beat.idle = false;
        beats.delete(beat);
      };
    },
    wake() {
      wokenAt = clock.monotonic();
      if (idlers === 0) return;
      for (const beat of beats) {
        if (!beat.idle) continue;
        beat.cancel();
        plan(beat, false);
      }
    },
    stop() {
      for (const beat of beats) beat.cancel();
      beats.clear();
    },
  };
}
