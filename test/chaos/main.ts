/**
 * Faults on real Kafka: `npm run chaos -- F1 F6`, or without names every row. Ends with 0 only if every row is green.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { kafkaVersion } from '../../deploy/local/index.ts';
import { tellUsage } from '../support/tell-usage.ts';
import { parseChaosCommand, type ChaosOptions } from './options.ts';
import { keptRow, resultsText, rowLines, withResults, type KeptRow } from './report.ts';
import { rows } from './rows/index.ts';
import { fullPace, runRow } from './run-row.ts';

const usage = `usage: npm run chaos -- [row …] [--record]

${rows.map(({ id, title }) => `  ${id.padEnd(5)}${title}`).join('\n')}

Without a row: all of them.
  --rate <n> events published each second (default 30; each is wanted by six or seven endpoints)
  --record   keep the figures in test/chaos/results.json and docs/reliability.md
`;
const pagePath = join(import.meta.dirname, '../../docs/reliability.md');
const resultsPath = join(import.meta.dirname, 'results.json');
const say = (text: string) => process.stdout.write(`${text}\n`);

const command = parseChaosCommand(
  process.argv.slice(2),
  rows.map(({ id }) => id),
);
if (command.kind === 'usage') tellUsage(command.problem, usage);
else await runRows(command.options);

async function runRows({ ids, rate, record }: ChaosOptions): Promise<void> {
  const kept: KeptRow[] = [];
  for (const row of rows.filter(({ id }) => ids.includes(id))) {
    try {
      const result = await runRow(row, { ...fullPace, eventsPerSecond: rate });
      if ('skip' in result) {
        say(`${row.id.padEnd(4)}SKIPPED ${row.title}: ${result.skip}`);
        continue;
      }
      say(rowLines(result));
      kept.push(keptRow(result));
      if (result.problems.length > 0) process.exitCode = 1;
    } catch (error) {
      process.exitCode = 1;
      say(`${row.id.padEnd(4)}RED   ${row.title}\n     ! ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  if (record) await keep(kept);
  const green = kept.filter((row) => row.green).length;
  say(`${green} of ${ids.length} rows are green`);
}

/** Figures of rows that did not run this time stay as they were. */
async function keep(fresh: readonly KeptRow[]): Promise<void> {
  const text = await readFile(resultsPath, 'utf8').catch(() => '{"rows":[]}');
  const older = (JSON.parse(text) as { readonly rows: readonly KeptRow[] }).rows;
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.versions.node,
    kafka: kafkaVersion,
  };
  const all = rows.flatMap(({ id }) => {
    const row = fresh.find((one) => one.id === id) ?? older.find((one) => one.id === id);
    return row === undefined ? [] : [row];
  });
  await writeFile(resultsPath, `${JSON.stringify({ machine, rows: all }, null, 2)}\n`);
  await writeFile(pagePath, withResults(await readFile(pagePath, 'utf8'), resultsText(all, machine)));
}
