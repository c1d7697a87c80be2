import { round } from './machine.ts';
import { startBareChain } from './rig/bare-chain.ts';
import { cpuPerRequest, flowOf } from './rig/figures.ts';
import { typeOfEndpoint } from './rig/load-plan.ts';
import { keepRigResults, type NamedRun } from './rig/rig-results.ts';
import { startRig } from './rig/rig.ts';
import { runLoad, type RigRun } from './rig/run.ts';
import { openStage, type Stage } from './rig/stage.ts';
import type { PlainOptions } from './plain-options.ts';

const STREAM = 1;
const WARM_UP_S = 10;
const part = { streams: [STREAM] };

/** From an event's time to its first bytes at the sink, through a router and a dispatcher, and through the bare chain. */
export async function benchLatency(options: PlainOptions<'latency'>): Promise<void> {
  await using stage = await openStage();
  const found: Record<'bare' | 'postrider', RigRun[]> = { bare: [], postrider: [] };
  const runs: NamedRun[] = [];
  for (const name of ['bare', 'postrider', 'postrider', 'bare'] as const) {
    const run = await measure(stage, name, options);
    found[name].push(run);
    runs.push({ name, run, part });
    stage.say(`${name}: ${JSON.stringify(flowOf([run], part))}`);
  }
  const { seconds, rate, endpoints, body: bodyBytes, record } = options;
  const bare = flowOf(found.bare, part);
  const postrider = flowOf(found.postrider, part);
  const cpu = found.postrider.map((run) => cpuPerRequest(run, rate * seconds));
  await keepRigResults(stage, {
    ...{ bench: 'latency', record, runs },
    figures: { ...{ eventsPerSecond: rate, seconds, endpoints, bodyBytes }, bare, postrider, cpuUs: cpu },
    bounds: [
      { figure: 'p50 (ms)', value: postrider.p50Ms, most: round(1.5 * bare.p50Ms, 2) },
      { figure: 'p99 (ms)', value: postrider.p99Ms, most: round(2 * bare.p99Ms, 2) },
      { figure: 'repeated', value: postrider.repeated, most: 0 },
    ],
  });
}

async function measure(stage: Stage, name: 'bare' | 'postrider', options: PlainOptions<'latency'>): Promise<RigRun> {
  const { endpoints, seconds, rate, body: bodyBytes } = options;
  const planOf = (index: number) => ({ eventTypes: [typeOfEndpoint(index)] });
  await using target =
    name === 'bare'
      ? await startBareChain(stage, endpoints)
      : await startRig(stage, { endpoints, planOf, router: true });
  const targets = Array.from({ length: endpoints }, (_, index) => index);
  const from = -Math.min(WARM_UP_S, seconds);
  return await runLoad(target, {
    ...{ seconds, bodyBytes, awaited: [STREAM] },
    streams: [{ id: STREAM, perSecond: rate, from, to: seconds, targets }],
  });
}
