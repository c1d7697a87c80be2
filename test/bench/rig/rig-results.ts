import { writeFile } from 'node:fs/promises';
import { conclude, type Bound } from '../bounds.ts';
import { keepResults, resultsFile } from '../machine.ts';
import { secondsOf, type Part } from './figures.ts';
import { verdictOf, type Verdict } from './verdict.ts';
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
export async function keepRigResults(stage: Stage, results: RigResults): Promise<Verdict> {
  const { bench, record, figures, bounds, runs } = results;
  const verdict = verdictOf(
    bounds,
    runs.map(({ name, run }) => [name, run]),
  );
  const summary = { bench, ...figures, ...verdict, ...stage.machineFacts() };
  const told = runs.map(({ name, run }) => ({
    ...{ name, seconds: run.seconds, cpu: run.cpu, rssMib: Math.max(0, ...run.rssMib) },
    ...{ loadWritten: run.load.written, loadLateP99Ms: run.load.lateP99Ms, loadLateMaxMs: run.load.lateMaxMs },
  }));
  await keepResults(bench, { summary, runs: told }, record);
  const lines = runs.flatMap(({ name, run, part }, index) =>
    secondsOf(run, part).map(({ second, count, p50Ms, p99Ms, maxMs }) =>
      [index + 1, name, second, count, p50Ms, p99Ms, maxMs].join(','),
    ),
  );
  await writeFile(resultsFile(bench, 'csv', record), [csvHead, ...lines, ''].join('\n'));
  for (const doubt of verdict.doubts) stage.say(`Doubtful: ${doubt}`);
  conclude(summary);
  return verdict;
}

const csvHead = 'run,name,second,count,p50Ms,p99Ms,maxMs';
