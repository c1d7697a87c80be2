import type { Duration } from '@postrider/contract/google/protobuf/duration';

/** A protobuf duration in milliseconds; 0 when absent. */
export function durationMs(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1_000 + duration.nanos / 1_000_000;
}

/** A length of time as people read it: `3 ms`, `1.24 s`. Clocks of two writers may disagree by a moment: never below 0. */
export function shownMs(ms: number): string {
  const positive = Math.max(0, ms);
  return positive < 1_000 ? `${Math.round(positive)} ms` : `${(positive / 1_000).toFixed(2)} s`;
}

/** The time of day in UTC with milliseconds. */
export function timeOfDay(time: Date): string {
  return time.toISOString().slice(11, 23);
}
