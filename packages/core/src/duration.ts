import type { Duration } from '@postrider/contract/google/protobuf/duration';

const NANOS_PER_MS = 1_000_000;
const NANOS_PER_SECOND = 1_000_000_000;
// google/protobuf/duration.proto: ±10,000 years.
const SECONDS_MAX = 315_576_000_000n;

/**
 * A Duration in whole milliseconds, rounded up so that nothing happens early. NaN for what is no duration by
 * google/protobuf/duration.proto: parts out of range or of unlike signs.
 */
export function durationMs(duration: Pick<Duration, 'seconds' | 'nanos'>): number {
  const { seconds, nanos } = duration;
  if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX) return Number.NaN;
  if (!Number.isInteger(nanos) || Math.abs(nanos) >= NANOS_PER_SECOND) return Number.NaN;
  if ((seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0)) return Number.NaN;
  // "+ 0" turns the -0 of a rounded negative part into 0.
  return Number(seconds) * 1_000 + Math.ceil(nanos / NANOS_PER_MS) + 0;
}

/** The Duration of a number of milliseconds (finite; fractions of a nanosecond are dropped). */
export function durationOf(ms: number): Duration {
  const seconds = Math.trunc(ms / 1_000);
  return { seconds: BigInt(seconds), nanos: Math.trunc((ms - seconds * 1_000) * NANOS_PER_MS) };
}
