/** The schedule of a retry policy with so many retries, each so many seconds after the attempt before it. */
export const every = (seconds: number, count: number) => ({
  $case: 'delays' as const,
  value: { delays: Array.from({ length: count }, () => ({ seconds: BigInt(seconds), nanos: 0 })) },
});
