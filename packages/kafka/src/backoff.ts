const MS_MIN = 100;
const MS_MAX = 1_000;

/** How long to rest after so many failures in a row (ms): twice as long after each. `failures`: 0 for the first. */
export function backoffMs(failures: number): number {
  return Math.min(MS_MAX, MS_MIN * 2 ** Math.min(failures, 10));
}
