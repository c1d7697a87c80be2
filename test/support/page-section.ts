/**
 * The page with the text between `<!-- name: begin -->` and `<!-- name: end -->` replaced: what a command writes into
 * documentation that people write. Throws when the page has not both of them.
 */
export function withSection(page: string, name: string, text: string): string {
  const begin = `<!-- ${name}: begin -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(`<!-- ${name}: end -->`);
  if (from < 0 || to < from) throw new Error(`the page has no ${begin} … <!-- ${name}: end -->`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}
