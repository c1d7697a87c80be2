import { quantile } from '../support/quantile.ts';
import { round } from './machine.ts';
import { runLoopProcess, type LoopRun } from './raw-loop.ts';
import { firstArrivals, wantedOf } from './rig/figures.ts';
import { perSecondOf } from './rig/pace.ts';
import { keepRigResults, type NamedRun } from './rig/rig-results.ts';
import { startRig } from './rig/rig.ts';
import { runLoad, type RigRun } from './rig/run.ts';
import { openStage, type Stage } from './rig/stage.ts';
import { startSink } from './sink.ts';
import type { PlainOptions } from './plain-options.ts';

type Options = PlainOptions<'fan-out-1000'>;

const STREAM = 1;
const EVENT_TYPE = 'bench.all';
const IN_FLIGHT = 128;
/** Before the measured time: every endpoint has its connection, and runtimes have compiled what they will run. */
const WARM_UP = { id: 2, from: -25, to: -3 };
const WARM_UP_DELIVERIES_PER_SECOND = 2_000;
const part = { streams: [STREAM] };

/** One event for every endpoint of a tenant, again and again, against the raw loop that sends as many POSTs. */
export async function benchFanOut(options: Options): Promise<void> {
  await using stage = await openStage();
  const runs: NamedRun[] = [];
  const raws: LoopRun[] = [];
  for (const name of ['raw', 'event', 'event', 'raw'] as const) {
    stage.say(`Run: ${name}`);
    if (name === 'raw') raws.push(await raw(options));
    else runs.push({ name, run: await events(stage, options), part });
  }
  const { endpoints, every, body: bodyBytes, record } = options;
  const rawMs = raws.map((run) => round((endpoints / perSecondOf(run)) * 1_000, 2));
  const lastMs = runs.flatMap(({ run }) => lastArrivals(run));
  const wanted = runs.reduce((sum, { run }) => sum + wantedOf(run, part), 0);
  const arrived = runs.reduce((sum, { run }) => sum + firstArrivals(run, part).latencyMs.length, 0);
  const rawMeanMs = round(rawMs.reduce((sum, one) => sum + one, 0) / rawMs.length, 2);
  const medianMs = round(quantile(lastMs, 0.5), 2);
  await keepRigResults(stage, {
    ...{ bench: 'fan-out-1000', record, runs },
    figures: {
      ...{ endpoints, everyMs: every, bodyBytes, events: lastMs.length, wanted, arrived, rawMs },
      ...{ lastP50Ms: medianMs, lastP99Ms: round(quantile(lastMs, 0.99), 2) },
    },
    bounds: [
      { figure: 'last arrival, median (ms)', value: medianMs, most: round(3 * rawMeanMs, 2) },
      { figure: 'arrived ÷ wanted', value: arrived / wanted, least: 1, most: 1 },
    ],
  });
}

/** Of each event, how long after its time the last of its endpoints had it. */
function lastArrivals(run: RigRun): number[] {
  const last = new Map<number, number>();
  const { latencyMs, second } = firstArrivals(run, part);
  latencyMs.forEach((ms, index) => {
    const event = Math.round((second[index] as number) * 1_000);
    last.set(event, Math.max(last.get(event) ?? 0, ms));
  });
  return [...last.values()];
}

async function raw({ endpoints, seconds, body: bodyBytes }: Options): Promise<LoopRun> {
  await using sink = await startSink();
  return await runLoopProcess('raw-loop', sink, {
    ...{ endpoints, inFlight: IN_FLIGHT, bodyBytes },
    seconds: Math.ceil(seconds / 3),
  });
}

async function events(stage: Stage, { endpoints, seconds, every, body: bodyBytes }: Options): Promise<RigRun> {
  const planOf = () => ({ tenant: 0, eventTypes: [EVENT_TYPE] });
  await using rig = await startRig(stage, { endpoints, planOf, router: true });
  const event = { targets: [0], eventType: EVENT_TYPE, copies: endpoints };
  return await runLoad(rig, {
    ...{ seconds, bodyBytes, awaited: [STREAM] },
    streams: [
      { ...WARM_UP, perSecond: WARM_UP_DELIVERIES_PER_SECOND / endpoints, ...event },
      { id: STREAM, perSecond: 1_000 / every, from: 0, to: seconds, ...event },
    ],
  });
}
