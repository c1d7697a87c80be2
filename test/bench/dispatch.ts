import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { conclude, judge } from './bounds.ts';
import { profileLines, summarizeProfile, type CpuProfile } from './cpu-profile.ts';
import { runDispatch, type DispatchRun, type DispatchRunOptions } from './dispatch-run.ts';
import { keepResults } from './machine.ts';
import { runRawLoop, type RawRun } from './raw-loop.ts';
import { summarize, table } from './report.ts';
import { openStage } from './rig/stage.ts';
import { startSink } from './sink.ts';
import type { DispatchOptions } from './options.ts';

const root = resolve(import.meta.dirname, '../..');
/** What a dispatcher that shares its cores with Kafka can reach at most, as a part of the raw loop's rate. */
const RATE_BOUND_FRACTION = 0.75;
/** The most CPU of a delivery, in that of a raw request. */
const CPU_RATIO_MAX = 2;
const PROFILE_FUNCTIONS = 40;
const PROFILE_MODULES = 12;

/**
 * Measures the dispatcher against the raw loop in the order raw, dispatch, dispatch, raw: what drifts while it runs (heat,
 * neighbours) weighs on both alike. Prints a table and, as the last line, the figures as one JSON object.
 */
export async function benchDispatch(options: DispatchOptions): Promise<void> {
  await using stage = await openStage();
  const { say, port, bootstrapServers, brokerPid, directory } = stage;
  await using sink = await startSink();
  const runs: (RawRun | DispatchRun)[] = [];
  const common: Omit<DispatchRunOptions, 'rateBound'> = {
    ...{ ...options, bootstrapServers, sink, say, kafka: port, directory, brokerPid },
  };
  for (const kind of options.profile
    ? (['raw', 'dispatch'] as const)
    : (['raw', 'dispatch', 'dispatch', 'raw'] as const)) {
    say(`Run ${runs.length + 1}: ${kind}`);
    runs.push(
      kind === 'raw' ? await runRawLoop(sink, options) : await runDispatch({ ...common, rateBound: rateBound(runs) }),
    );
  }
  const figures = summarize(runs, options, stage.machineFacts());
  const summary = { ...figures, ...judge([{ figure: 'cpuRatio', value: figures.cpuRatio, most: CPU_RATIO_MAX }]) };
  if (options.profile) say(await profileText(runs, directory));
  else await keepResults('dispatch', { summary, runs }, options.record);
  say(`\n${table(runs, summary)}\n`);
  conclude(summary);
}

/** From the first raw run: of a dispatch run that the machine slowed down nothing follows for the next one. */
function rateBound([first]: readonly (RawRun | DispatchRun)[]): number {
  if (first?.kind !== 'raw') throw new Error('a raw run comes first');
  return (first.requests / (first.wallUs / 1e6)) * RATE_BOUND_FRACTION;
}

async function profileText(runs: readonly (RawRun | DispatchRun)[], directory: string): Promise<string> {
  const run = runs.find((one) => one.kind === 'dispatch');
  const name = (await readdir(directory)).find((file) => file.endsWith('.cpuprofile'));
  if (run === undefined || name === undefined) throw new Error('the dispatcher left no CPU profile');
  const profile = JSON.parse(await readFile(join(directory, name), 'utf8')) as CpuProfile;
  const { busyUs, functions, modules } = summarizeProfile(profile, run.from, run.to, root);
  return [
    '\nSelf time of the main thread: part of its busy time, and per delivery',
    ...profileLines(functions, busyUs, run.attempts, PROFILE_FUNCTIONS),
    '\nBy module',
    ...profileLines(modules, busyUs, run.attempts, PROFILE_MODULES),
  ].join('\n');
}
