import { round } from './machine.ts';
import { flowOf, type Flow } from './rig/figures.ts';
import { keepRigResults, type NamedRun } from './rig/rig-results.ts';
import { startRig } from './rig/rig.ts';
import { runLoad, type RigRun } from './rig/run.ts';
import { openStage, type Stage } from './rig/stage.ts';
import type { PlainOptions } from './plain-options.ts';
import type { Bound } from './bounds.ts';

type Options = PlainOptions<'collapse'>;

const WELL = 1;
/** Deliveries a second to endpoints that never answer; a stream each, by its place. */
const STEPS = [30, 100, 300, 1_000];
const FIRST_STEP = 10;
const WARM_UP_S = 10;
const P99_SLACK_MS = 5;
const part = { streams: [WELL] };

/** A steady load to endpoints that are well, while ever more is sent to such that never answer. */
export async function benchCollapse(options: Options): Promise<void> {
  await using stage = await openStage();
  const found: Record<'without' | 'with', RigRun[]> = { without: [], with: [] };
  const runs: NamedRun[] = [];
  for (const name of ['without', 'with', 'with', 'without'] as const) {
    const run = await measure(stage, options, name === 'with');
    found[name].push(run);
    runs.push({ name, run, part });
    stage.say(`${name}: ${JSON.stringify(flowOf([run], part))}`);
  }
  const { seconds, rate, endpoints, body: bodyBytes, record } = options;
  const without = flowOf(found.without, part);
  const steps: Record<string, Flow> = {};
  const bounds: Bound[] = [];
  STEPS.forEach((hanging, step) => {
    const flow = flowOf(found.with, { ...part, from: step * seconds, to: (step + 1) * seconds });
    steps[hanging] = flow;
    const most = round(1.2 * without.p99Ms + P99_SLACK_MS, 2);
    bounds.push(
      { figure: `p99 beside ${hanging}/s that hang (ms)`, value: flow.p99Ms, most },
      { figure: `throughput beside ${hanging}/s that hang`, value: flow.throughput, least: 0.98 },
    );
  });
  const told = { healthyPerSecond: rate, seconds, endpoints, bodyBytes, without, steps };
  await keepRigResults(stage, { bench: 'collapse', record, figures: told, bounds, runs });
}

async function measure(stage: Stage, { endpoints, seconds, rate, body }: Options, isBeside: boolean): Promise<RigRun> {
  await using rig = await startRig(stage, { endpoints });
  // Ten endpoints in a row are of ten tenants.
  const hangs = (index: number): boolean => Math.floor(index / 10) % 10 === 0;
  const all = Array.from({ length: endpoints }, (_, index) => index);
  const targets = all.filter(hangs);
  await rig.sink.behave(targets, { kind: 'hang' });
  const whole = isBeside ? STEPS.length * seconds : 2 * seconds;
  const from = -Math.min(WARM_UP_S, seconds);
  const well = { id: WELL, perSecond: rate, from, to: whole, targets: all.filter((index) => !hangs(index)) };
  const steps = STEPS.map((perSecond, step) => ({
    ...{ id: FIRST_STEP + step, perSecond, targets },
    ...{ from: step * seconds, to: (step + 1) * seconds },
  }));
  const streams = isBeside ? [well, ...steps] : [well];
  return await runLoad(rig, { seconds: whole, bodyBytes: body, streams, awaited: [WELL] });
}
