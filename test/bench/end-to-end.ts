import { round } from './machine.ts';
import { cpuPerRequest, flowOf, firstArrivals } from './rig/figures.ts';
import { typeOfEndpoint } from './rig/load-plan.ts';
import { keepRigResults, type NamedRun } from './rig/rig-results.ts';
import { startRig } from './rig/rig.ts';
import { runLoad, type RigRun } from './rig/run.ts';
import { openStage, type Stage } from './rig/stage.ts';
import { FLAT_OUT_PER_SECOND, tellArrivals } from './rig/flat-out.ts';
import type { PlainOptions } from './plain-options.ts';

type Options = PlainOptions<'end-to-end'>;

const STREAM = 1;
const WARM_UP_S = 10;
/** Events that are on their way while it is asked how many fit through. */
const OUTSTANDING_MAX = 600;
/**
 * Of what fits through, as much is asked for when it is looked whether deliveries keep up: the machine's own speed changes by
 * more than a tenth.
 */
const HELD_FRACTION = 0.8;
/** So long processes that have just started are asked for half of it, before that. */
const HALF_S = 12;
const BEFORE_STREAM = 2;
const CPU_US_MAX = 144;
const P50_MS_MAX = 200;
const LAG_GROWTH_MS_MAX = 50;
const part = { streams: [STREAM] };

/**
 * Events → broker → router → dispatcher → sink, all on the same cores. How many fit through is found by a load that waits
 * for arrivals; whether deliveries keep up, and what they cost, by one that does not wait and asks for a little less.
 */
export async function benchEndToEnd(options: Options): Promise<void> {
  await using stage = await openStage();
  const runs: NamedRun[] = [];
  let perSecond = options.rate;
  for (const name of ['flat out', 'held', 'held', 'flat out'] as const) {
    const run = await measure(stage, options, name === 'held' ? perSecond : null);
    if (name === 'flat out' && perSecond === 0) perSecond = Math.floor(arrivedPerSecond(run) * HELD_FRACTION);
    runs.push({ name, run, part });
    stage.say(`${name}: ${Math.round(arrivedPerSecond(run))} a second`);
  }
  const of = (wanted: string): RigRun[] => runs.filter(({ name }) => name === wanted).map(({ run }) => run);
  const held = of('held');
  const flow = flowOf(held, part);
  const cpu = held.map((run) => cpuPerRequest(run, firstArrivals(run, part).inTime));
  const spent = cpu.map(({ dispatcherUs, routerUs, brokerUs }) => dispatcherUs + routerUs + brokerUs);
  const spentUs = round(spent.reduce((sum, one) => sum + one, 0) / spent.length);
  const lagGrowthMs = round(Math.max(...held.map(lagGrowth)), 2);
  const { seconds, endpoints, body: bodyBytes, record } = options;
  await keepRigResults(stage, {
    ...{ bench: 'end-to-end', record, runs },
    figures: {
      ...{ seconds, endpoints, bodyBytes, heldPerSecond: perSecond, held: flow, cpuUs: cpu, lagGrowthMs },
      flatOutPerSecond: of('flat out').map((run) => Math.round(arrivedPerSecond(run))),
    },
    bounds: [
      { figure: 'CPU of a delivery, router and broker included (µs)', value: spentUs, most: CPU_US_MAX },
      { figure: 'p50 from event to arrival (ms)', value: flow.p50Ms, most: P50_MS_MAX },
      { figure: 'how much p50 grew (ms)', value: lagGrowthMs, most: LAG_GROWTH_MS_MAX },
      { figure: 'repeated', value: flow.repeated, most: 0 },
    ],
  });
}

/** By how much the median of the last fifth is above that of the first. */
function lagGrowth(run: RigRun): number {
  const fifth = run.seconds / 5;
  const first = flowOf([run], { ...part, to: fifth });
  return flowOf([run], { ...part, from: run.seconds - fifth }).p50Ms - first.p50Ms;
}

const arrivedPerSecond = (run: RigRun): number => firstArrivals(run, part).inTime / run.seconds;

async function measure(stage: Stage, options: Options, heldPerSecond: number | null): Promise<RigRun> {
  const { endpoints, body: bodyBytes } = options;
  const seconds = heldPerSecond === null ? Math.ceil(options.seconds / 3) : options.seconds;
  const planOf = (index: number) => ({ eventTypes: [typeOfEndpoint(index)] });
  await using rig = await startRig(stage, { endpoints, planOf, router: true });
  const targets = Array.from({ length: endpoints }, (_, index) => index);
  const from = -Math.min(WARM_UP_S, seconds);
  const common = { id: STREAM, to: seconds, from, targets };
  const plan = { seconds, bodyBytes, awaited: [STREAM] };
  if (heldPerSecond !== null) {
    const half = { ...common, id: BEFORE_STREAM, from: from - HALF_S, to: from, perSecond: heldPerSecond / 2 };
    return await runLoad(rig, { ...plan, streams: [half, { ...common, perSecond: heldPerSecond }] });
  }
  return await runLoad(rig, {
    ...{ ...plan, streams: [{ ...common, perSecond: FLAT_OUT_PER_SECOND }], outstandingMax: OUTSTANDING_MAX },
    whileRunning: (load, isOver) => tellArrivals(rig, load, isOver),
  });
}
