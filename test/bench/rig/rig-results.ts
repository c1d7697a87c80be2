import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { keepResults, resultsFile } from '../machine.ts';
import { secondsOf, type Part } from './figures.ts';
import { conclude, judge, type Bound } from '../bounds.ts';
import { doubtsOf } from './doubts.ts';
import type { RigRun } from './run.ts';
import type { Stage } from './stage.ts';

/** A run and by which name it is told. */
export interface NamedRun {
  readonly name: string;
  readonly run: RigRun;
  /** Its requests to endpoints that are well. */
  readonly part: Part;
}

export interface RigResults {
  readonly bench: string;
  readonly record: boolean;
  readonly figures: Readonly<Record<string, unknown>>;
  readonly bounds: readonly Bound[];
  readonly runs: readonly NamedRun[];
}

/** Keeps figures and, second by second, the runs; prints the figures as the last line. */
export async function keepRigResults(stage: Stage, results: RigResults): Promise<void> {
  const { bench, record, figures, bounds, runs } = results;
  const doubts = runs.flatMap(({ name, run }) => doubtsOf(run).map((doubt) => `${name}: ${doubt}`));
  // As text: the formatter would fold a list.
  const summary = { bench, ...figures, ...judge(bounds), doubts: doubts.join('; '), ...stage.machineFacts() };
  const told = runs.map(({ name, run }) => ({
    ...{ name, seconds: run.seconds, cpu: run.cpu, rssMib: Math.max(0, ...run.rssMib) },
    ...{ loadWritten: run.load.written, loadLateP99Ms: run.load.lateP99Ms, loadLateMaxMs: run.load.lateMaxMs },
  }));
  const lines = runs.flatMap(({ name, run, part }, index) =>
    secondsOf(run, part).map(({ second, count, p50Ms, p99Ms, maxMs }) =>
      [index + 1, name, second, count, p50Ms, p99Ms, maxMs].join(','),
    ),
  );
  const csv = resultsFile(bench, 'csv', record);
  await mkdir(dirname(csv), { recursive: true });
  await writeFile(csv, [csvHead, ...lines, ''].join('\n'));
  await keepResults(bench, { summary, runs: told }, record);
  for (const doubt of doubts) stage.say(`Doubtful: ${doubt}`);
  conclude(summary);
}

const csvHead = 'run,name,second,count,p50Ms,p99Ms,maxMs';
