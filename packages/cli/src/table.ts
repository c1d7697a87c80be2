import { stripVTControlCharacters } from 'node:util';

/**
 * Rows as an aligned table with a heading. Cells are cleaned of control characters; in a terminal of `columns` characters
 * the last column is cut to fit.
 */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number | undefined,
): string {
  const cells = [heading, ...rows].map((row) => row.map(clean));
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells.map((row) => cut(formatRow(row, widths), columns)).join('');
}

/** One row of a table that grows, with fixed widths. */
export function formatRow(row: readonly string[], widths: readonly number[]): string {
  return `${row
    .map((cell, column) => clean(cell).padEnd(widths[column] ?? 0))
    .join('  ')
    .trimEnd()}\n`;
}

function cut(line: string, columns: number | undefined): string {
  if (columns === undefined || line.length - 1 <= columns) return line;
  return `${line.slice(0, Math.max(1, columns - 1))}…\n`;
}

/** Text without control characters: what others wrote must not move the cursor or change colours of a terminal. */
export function clean(cell: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return stripVTControlCharacters(cell).replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
