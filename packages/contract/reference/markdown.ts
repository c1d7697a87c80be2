/** A page that is written by a command, of its heading and paragraphs. */
export function markdownPage(heading: string, parts: readonly string[]): string {
  const notice = '<!-- Written from proto/ by `npm run generate`. Do not edit. -->';
  return `${[`# ${heading}`, notice, ...parts].join('\n\n')}\n`;
}

/** Rows with a heading as a table. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heading), `|${'---|'.repeat(heading.length)}`, ...rows.map(line)].join('\n');
}
