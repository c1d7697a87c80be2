import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { withSection } from '../support/page-section.ts';
import { neighbourPicture } from './neighbour-picture.ts';
import type { Bound, Judged } from './bounds.ts';
import type { MachineFacts } from './report.ts';

const root = resolve(import.meta.dirname, '../..');
const resultsFolder = join(root, 'test/bench/results');
const page = join(root, 'docs/performance.md');
const picture = join(root, 'docs/neighbour.svg');

/** Of a results file what the page tells. */
export interface Recorded {
  readonly summary: { readonly bench: string; readonly doubts?: string } & Partial<Judged> & MachineFacts;
  /** When it was measured. */
  readonly time: string;
}

/** What documentation shows of the results that are on record. */
export interface Shown {
  readonly page: string;
  /** Null: there is nothing to show. */
  readonly picture: string | null;
}

/** Reads the results, and the page that they belong on. */
export async function shownResults(): Promise<Shown> {
  const names = (await readdir(resultsFolder)).filter((name) => name.endsWith('.json')).toSorted();
  const read = async (name: string) => JSON.parse(await readFile(join(resultsFolder, name), 'utf8')) as Recorded;
  const recorded = await Promise.all(names.map(read));
  const csv = await readFile(join(resultsFolder, 'neighbour.csv'), 'utf8').catch(() => null);
  return {
    page: withSection(await readFile(page, 'utf8'), 'bench', figuresText(recorded) + (csv === null ? '' : pictureText)),
    picture: csv === null ? null : neighbourPicture(csv),
  };
}

const pictureText =
  '\n\n![p99 of deliveries to endpoints that are well, second by second, with sick neighbours and without](neighbour.svg)';

/** Writes the figures and the picture into the documentation. */
export async function writeResults(): Promise<void> {
  const shown = await shownResults();
  await writeFile(page, shown.page);
  if (shown.picture !== null) await writeFile(picture, shown.picture);
}

/** What the documentation holds now. */
export async function writtenResults(): Promise<Shown> {
  return { page: await readFile(page, 'utf8'), picture: await readFile(picture, 'utf8').catch(() => null) };
}

/** The figures that have to be reached, of every bench on record, as a table. */
export function figuresText(recorded: readonly Recorded[]): string {
  const rows = recorded.flatMap(({ summary, time }) =>
    (summary.bounds ?? []).map((bound, index) => {
      const first = index === 0;
      const isDoubtful = first && (summary.doubts ?? '') !== '';
      const on = first ? `${time.slice(0, 10)}, load ${summary.loadBefore} → ${summary.loadAfter}` : '';
      const doubt = isDoubtful ? '; doubtful' : '';
      return `| ${first ? summary.bench : ''} | ${bound.figure} | ${told(bound.value)} | ${wanted(bound)} | ${on}${doubt} |`;
    }),
  );
  const machines = recorded.map(({ summary: { cores, cpu, node } }) => `${cores} cores (${cpu}), Node ${node}`);
  return [
    '| bench | figure | measured | must be | on |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    `Measured on ${[...new Set(machines)].join('; ')}.`,
  ].join('\n');
}

/** JSON has no word for what never came. */
const told = (value: number | null): string => (value === null ? 'never' : String(value));

function wanted({ value, most, least }: Bound): string {
  const holds = value !== null && value <= (most ?? Infinity) && value >= (least ?? -Infinity);
  const text = [...(least === undefined ? [] : [`≥ ${least}`]), ...(most === undefined ? [] : [`≤ ${most}`])].join(
    ', ',
  );
  return holds ? text : `**${text}**`;
}
