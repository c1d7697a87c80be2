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

/** The last line of a bench, which fails when a bound does not hold. */
export function conclude(summary: Judged): void {
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  if (!summary.ok) process.exitCode = 1;
}
