/** Milliseconds of the machine's monotonic clock: the same in all its processes, to the microsecond. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
