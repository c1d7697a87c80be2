import { withSection } from '../support/page-section.ts';
import type { RowResult } from './row.ts';

/** A row's figures as they are kept: flat, so that they read well in a diff. */
export interface KeptRow extends Omit<RowResult, 'problems' | 'latency' | 'outcomes'> {
  readonly green: boolean;
  readonly baselineMs: number;
  readonly brokenMs: number | null;
  /** What else held, in a sentence. */
  readonly besides: string;
}

/** What the figures were measured on. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly node: string;
  readonly kafka: string;
}

/** What is kept of a row. */
export function keptRow({ outcomes, problems, latency, ...result }: RowResult): KeptRow {
  return {
    ...result,
    baselineMs: Math.round(latency.baselineMs),
    brokenMs: latency.brokenMs === null ? null : Math.round(latency.brokenMs),
    green: problems.length === 0,
    besides: outcomes.map(({ text, ok }) => (ok ? text : `NOT: ${text}`)).join('; '),
    seconds: Math.round(result.seconds),
  };
}

/** The figures of a row for a terminal. */
export function rowLines(result: RowResult): string {
  const row = keptRow(result);
  const lines = [
    `${row.id.padEnd(4)}${row.green ? 'green' : 'RED  '} ${row.title}`,
    `${row.deliveries} deliveries, ${row.lost} lost, ${row.duplicates} duplicates (allowed ${row.duplicatesAllowed})`,
    `recovery ${recovery(row)}, p99 of the others ${others(row)}, took ${row.seconds} s`,
    ...result.outcomes.map(({ text, ok }) => `${ok ? 'ok ' : 'NOT'} ${text}`),
    ...result.problems.slice(0, problemsShownMax).map((problem) => `! ${problem}`),
  ];
  const hidden = result.problems.length - problemsShownMax;
  return [...lines, ...(hidden > 0 ? [`! and ${hidden} more`] : [])].join('\n     ');
}

const problemsShownMax = 20;
const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

function recovery({ recoveryMs, recoveryMsMax }: KeptRow): string {
  return recoveryMs === null ? '–' : `${inSeconds(recoveryMs)} (≤ ${inSeconds(recoveryMsMax)})`;
}

function others({ baselineMs, brokenMs }: KeptRow): string {
  if (brokenMs === null) return '–';
  return `${brokenMs} ms, before ${baselineMs} ms (${(brokenMs / Math.max(1, baselineMs)).toFixed(1)}×)`;
}

/** The results as they stand in the documentation. */
export function resultsText(rows: readonly KeptRow[], machine: Machine): string {
  const table = [
    '| row | fault | deliveries | lost | duplicates (allowed) | recovery (most) | p99 of the others | besides | |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.id} | ${row.title} | ${row.deliveries} | ${row.lost} | ${row.duplicates} (${row.duplicatesAllowed}) | ` +
        `${recovery(row)} | ${others(row)} | ${row.besides.replaceAll('|', '\\|')} | ${row.green ? 'green' : '**red**'} |`,
    ),
  ];
  const minutes = (rows.reduce((sum, { seconds }) => sum + seconds, 0) / 60).toFixed(1);
  const each = (figure: (row: KeptRow) => number) => [...new Set(rows.map(figure))].join(' or ');
  const rates = each(({ eventsPerSecond }) => eventsPerSecond);
  const sessions = each(({ sessionMs }) => sessionMs / 1_000);
  const { cores, cpu, node, kafka } = machine;
  return `${table.join('\n')}\n\n${rows.length} rows, ${rates} events a second, sessions of ${sessions} s, ${minutes} min in all, on ${cores} cores (${cpu}), Node ${node}, Apache Kafka ${kafka}.`;
}

/** The page with the text between its two markers replaced. Throws when it has not both of them. */
export function withResults(page: string, text: string): string {
  return withSection(page, 'chaos', text);
}
