import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withSection } from '../../support/page-section.ts';
import { catchTable, type Catch } from './catch.ts';
import { rules } from './index.ts';

const resultsPath = join(import.meta.dirname, 'results.json');
const pagePath = join(import.meta.dirname, '../../../docs/reliability.md');

/** Keeps what came of these rules, beside what is kept of others, and writes the table of all into the documentation. */
export function recordCatches(catches: readonly Catch[]): void {
  const kept = JSON.parse(readFileSync(resultsPath, 'utf8')) as readonly Catch[];
  const byName = new Map([...kept, ...catches].map((one) => [one.name, one]));
  const all = rules.flatMap(({ name }) => byName.get(name) ?? []);
  writeFileSync(resultsPath, `${JSON.stringify(all, null, 2)}\n`);
  writeFileSync(pagePath, withSection(readFileSync(pagePath, 'utf8'), 'plants', catchTable(rules, all)));
}
