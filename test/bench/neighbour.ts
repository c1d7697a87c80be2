import { round } from './machine.ts';
import { startBlackhole } from './rig/blackhole.ts';
import { flowOf } from './rig/figures.ts';
import { paceOf } from './rig/pace.ts';
import { keepRigResults, type NamedRun } from './rig/rig-results.ts';
import { startRig } from './rig/rig.ts';
import { COLD_S, runLoad, type RigRun } from './rig/run.ts';
import { openStage, type Stage } from './rig/stage.ts';
import type { PlainOptions } from './plain-options.ts';
import type { EndpointPlan } from './bench-config.ts';

type Options = PlainOptions<'neighbour'>;

const WELL = 1;
const SICK = 2;
const SICK_FIRST = 3;
/** Nobody listens there. */
const REFUSED_PORT = 9;
/** One of so many sick endpoints is sick already while all warms up. */
const EARLY_OF = 10;
const P99_SLACK_MS = 5;

/** What is wrong with some endpoints. */
interface Illness {
  readonly name: string;
  /** Tenths of endpoints that have it, and of the load that is theirs. */
  readonly tenths: number;
}

const hang: Illness = { name: 'hang', tenths: 1 };
const dead: Illness = { name: 'dead', tenths: 3 };

/**
 * Endpoints that are well, with and without neighbours that are not: on the same partitions, of the same tenants. What the
 * well ones are sent is the same in both. First neighbours that take a request and never answer, then such that refuse
 * connections or leave them without an answer.
 */
export async function benchNeighbour(options: Options): Promise<void> {
  await using stage = await openStage();
  const pace = await paceOf(stage, options);
  await using blackhole = await startBlackhole();
  const runs: NamedRun[] = [];
  const figures: Record<string, unknown> = {};
  const bounds = [];
  for (const illness of [hang, dead]) {
    const found: Record<'without' | 'with', RigRun[]> = { without: [], with: [] };
    for (const which of ['without', 'with', 'with', 'without'] as const) {
      const run = await neighbours(stage, options, { illness, which, perSecond: pace.perSecond, blackhole });
      found[which].push(run);
      runs.push({ name: `${illness.name} ${which}`, run, part });
      stage.say(`${illness.name}, ${which}: ${JSON.stringify(flowOf([run], part))}`);
    }
    const without = flowOf(found.without, part);
    const beside = flowOf(found.with, part);
    figures[illness.name] = { without, with: beside, p99Ratio: round(beside.p99Ms / without.p99Ms, 3) };
    bounds.push(
      {
        figure: `${illness.name}: p99 beside (ms)`,
        value: beside.p99Ms,
        most: round(1.2 * without.p99Ms + P99_SLACK_MS, 2),
      },
      {
        figure: `${illness.name}: throughput beside ÷ without`,
        value: round(beside.throughput / without.throughput, 4),
        least: 0.95,
      },
      { figure: `${illness.name}: repeated`, value: without.repeated + beside.repeated, most: 0 },
    );
  }
  const { endpoints, body: bodyBytes, seconds, record } = options;
  const told = { ...pace, endpoints, bodyBytes, seconds, ...figures };
  await keepRigResults(stage, { bench: 'neighbour', record, figures: told, bounds, runs });
}

const part = { streams: [WELL] };

interface Neighbours {
  readonly illness: Illness;
  readonly which: 'without' | 'with';
  readonly perSecond: number;
  readonly blackhole: { readonly port: number };
}

async function neighbours(stage: Stage, options: Options, { illness, which, ...given }: Neighbours): Promise<RigRun> {
  const all = Array.from({ length: options.endpoints }, (_, index) => index);
  const sick = all.filter((index) => isSick(illness, index));
  const well = all.filter((index) => !isSick(illness, index));
  await using rig = await startRig(stage, {
    endpoints: options.endpoints,
    planOf: (index) => (illness === dead && isSick(illness, index) ? deadPlan(index, given.blackhole.port) : {}),
  });
  if (illness === hang) await rig.sink.behave(sick, { kind: 'hang' });
  const { seconds, body: bodyBytes } = options;
  const share = illness.tenths / 10;
  const perSecond = given.perSecond * (1 - share);
  const beside = { id: SICK, perSecond: given.perSecond * share, from: 0, to: seconds, targets: sick };
  const warmUp = -Math.min(COLD_S, seconds);
  // What a dispatcher does of failures is to be as warm as all else it does: some are sick from the first.
  const early = sick.filter((_, index) => index % EARLY_OF === 0);
  const perSecondEarly = beside.perSecond / EARLY_OF;
  const before = { id: SICK_FIRST, perSecond: perSecondEarly, from: warmUp, to: 0, targets: early };
  return await runLoad(rig, {
    ...{ seconds, bodyBytes, awaited: [WELL] },
    streams: [
      { id: WELL, perSecond, from: warmUp, to: seconds, targets: well },
      ...(which === 'with' ? [before, beside] : []),
    ],
  });
}

/** Ten endpoints in a row are of ten tenants. */
const isSick = ({ tenths }: Illness, index: number): boolean => Math.floor(index / 10) % 10 < tenths;

const deadPlan = (index: number, blackholePort: number): EndpointPlan => ({
  port: Math.floor(index / 10) % 2 === 0 ? REFUSED_PORT : blackholePort,
});
