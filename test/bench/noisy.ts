import { round } from './machine.ts';
import { flowOf, jainIndex } from './rig/figures.ts';
import { paceOf } from './rig/pace.ts';
import { keepRigResults, type NamedRun } from './rig/rig-results.ts';
import { startRig } from './rig/rig.ts';
import { COLD_S, runLoad, type RigRun } from './rig/run.ts';
import { openStage, type Stage } from './rig/stage.ts';
import type { PlainOptions } from './plain-options.ts';

type Options = PlainOptions<'noisy'>;

const TENANTS = 10;
const NOISE = 100;
/** Streams are numbered as tenants are; the first tenant is the noisy one. */
const NOISY = 0;
const others = Array.from({ length: TENANTS }, (_, tenant) => tenant).filter((tenant) => tenant !== NOISY);
const part = { streams: others };

/** Ten tenants; one of them sends as much as each of the others, or a hundred times as much. */
export async function benchNoisy(options: Options): Promise<void> {
  await using stage = await openStage();
  const pace = await paceOf(stage, options);
  const quietPerSecond = pace.perSecond / (NOISE + others.length);
  const found: Record<'quiet' | 'noisy', RigRun[]> = { quiet: [], noisy: [] };
  const runs: NamedRun[] = [];
  for (const name of ['quiet', 'noisy', 'noisy', 'quiet'] as const) {
    const run = await measure(stage, options, quietPerSecond, name === 'noisy');
    found[name].push(run);
    runs.push({ name, run, part });
    stage.say(`${name}: ${JSON.stringify(flowOf([run], part))}`);
  }
  const { seconds, endpoints, body: bodyBytes, record } = options;
  const quiet = flowOf(found.quiet, part);
  const beside = flowOf(found.noisy, part);
  const fairness = jainIndex(others.map((tenant) => flowOf(found.noisy, { streams: [tenant] }).throughput));
  const noisy = flowOf(found.noisy, { streams: [NOISY] });
  await keepRigResults(stage, {
    ...{ bench: 'noisy', record, runs },
    figures: { ...pace, quietPerSecond, seconds, endpoints, bodyBytes, quiet, beside, noisy },
    bounds: [
      { figure: 'p99 of the others ÷ without the noise', value: round(beside.p99Ms / quiet.p99Ms, 3), most: 1.5 },
      { figure: "Jain's index of the others' throughput", value: round(fairness, 4), least: 0.9 },
      { figure: 'throughput of the others', value: beside.throughput, least: 0.95 },
    ],
  });
}

async function measure(stage: Stage, options: Options, quietPerSecond: number, isNoisy: boolean): Promise<RigRun> {
  const { endpoints, seconds, body: bodyBytes } = options;
  await using rig = await startRig(stage, { endpoints });
  const from = -Math.min(COLD_S, seconds);
  const streams = Array.from({ length: TENANTS }, (_, tenant) => ({
    ...{ id: tenant, from, to: seconds },
    perSecond: quietPerSecond * (isNoisy && tenant === NOISY ? NOISE : 1),
    targets: Array.from({ length: endpoints }, (_each, index) => index).filter((index) => index % TENANTS === tenant),
  }));
  return await runLoad(rig, { seconds, bodyBytes, streams, awaited: streams.map(({ id }) => id) });
}
