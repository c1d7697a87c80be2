/**
 * How bad it is.
 * - `error`: something is not delivered, or a promise does not hold;
 * - `warning`: it soon may be, or a person has stopped something;
 * - `info`: worth knowing.
 */
export const severities = ['error', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

/** One thing that is wrong, and what to do. */
export interface Finding {
  /** Stable, for programs. */
  readonly code: string;
  readonly severity: Severity;
  readonly what: string;
  readonly action: string;
}

/** What clocks that do not agree do. */
export const clockAction =
  'Let all machines follow NTP: retries are timed by the clock of the dispatcher, retention by the brokers’.';

/** What could not be found out. */
export function unknown(what: string, problem: string): Finding {
  const action = 'Ask again; if it stays so, look at the brokers.';
  return { code: 'not-found-out', severity: 'warning', what: `The ${what} could not be found out: ${problem}`, action };
}

/** The first few of a list. */
export function shortList(items: readonly string[]): string {
  const shown = items.slice(0, 8).join(', ');
  return items.length > 8 ? `${shown} and ${items.length - 8} more` : shown;
}
