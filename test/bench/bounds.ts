/** A figure, and what it has to be. */
export interface Bound {
  readonly figure: string;
  readonly value: number;
  readonly most?: number;
  readonly least?: number;
}

/** What a bench's bounds come to; stands in its summary. */
export interface Judged {
  readonly bounds: readonly Bound[];
  /** Every bound holds. */
  readonly ok: boolean;
}

/** Judges figures by their bounds. What is no number holds none. */
export function judge(bounds: readonly Bound[]): Judged {
  const holds = ({ value, most = Infinity, least = -Infinity }: Bound): boolean => value <= most && value >= least;
  return { bounds, ok: bounds.every(holds) };
}

/** Ends a bench: a line for each bound, the summary as the last one, and a failure when a bound does not hold. */
export function conclude(summary: Judged): void {
  for (const { figure, value, most, least } of summary.bounds) {
    const bound = `${most === undefined ? '' : ` (≤ ${most})`}${least === undefined ? '' : ` (≥ ${least})`}`;
    process.stdout.write(`${figure}: ${value}${bound}\n`);
  }
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  if (!summary.ok) process.exitCode = 1;
}
