import { round } from './machine.ts';
import { cpuPerRequest, firstArrivals, flowOf } from './rig/figures.ts';
import { paceOf } from './rig/pace.ts';
import { keepRigResults, type NamedRun } from './rig/rig-results.ts';
import { PARTITIONS, startRig } from './rig/rig.ts';
import { runLoad, type RigRun } from './rig/run.ts';
import { openStage, type Stage } from './rig/stage.ts';
import type { Bound } from './bounds.ts';
import type { PlainOptions } from './plain-options.ts';

type Options = PlainOptions<'scale'>;

const STREAM = 1;
const WARM_UP_S = 10;
/** From end to end of each of them. */
const CPU_RATIO_MAX = 1.3;
const part = { streams: [STREAM] };

interface Size {
  readonly dispatchers: number;
  readonly endpoints: number;
  readonly partitions: number;
}

const usual: Size = { dispatchers: 1, endpoints: 1_000, partitions: PARTITIONS };

/** The same load on installations of several sizes: what a delivery costs its dispatchers. */
export async function benchScale(options: Options): Promise<void> {
  await using stage = await openStage();
  const pace = await paceOf(stage, { ...options, endpoints: usual.endpoints });
  const many = options.endpoints;
  const sizes: Readonly<Record<keyof Size, readonly Size[]>> = {
    dispatchers: [2, 4].map((dispatchers) => ({ ...usual, dispatchers })),
    endpoints: [10, many].map((endpoints) => ({ ...usual, endpoints })),
    partitions: [{ ...usual, partitions: 256 }],
  };
  const runs: NamedRun[] = [];
  const costs: { readonly size: Size; readonly cpuUs: number }[] = [];
  const connections: number[] = [];
  const order = [usual, ...Object.values(sizes).flat(), ...Object.values(sizes).flat().toReversed(), usual];
  for (const size of order) {
    const { run, open } = await measure(stage, options, size, pace.perSecond);
    const name = `${size.dispatchers} dispatchers ${size.endpoints} endpoints ${size.partitions} partitions`;
    const cpuUs = cpuPerRequest(run, firstArrivals(run, part).inTime).dispatcherUs;
    costs.push({ size, cpuUs });
    connections.push(open);
    runs.push({ name, run, part });
    stage.say(`${name}: ${cpuUs} µs a delivery, ${open} connections, ${JSON.stringify(flowOf([run], part))}`);
  }
  const costOf = (wanted: Size): number => {
    const same = costs.filter(({ size }) => size === wanted).map(({ cpuUs }) => cpuUs);
    return round(same.reduce((sum, one) => sum + one, 0) / same.length);
  };
  const cpuUs: Record<string, Record<string, number>> = {};
  const bounds: Bound[] = [];
  for (const dimension of ['dispatchers', 'endpoints', 'partitions'] as const) {
    const all = [usual, ...sizes[dimension]].toSorted((a, b) => a[dimension] - b[dimension]);
    const each = all.map((size) => [String(size[dimension]), costOf(size)] as const);
    cpuUs[dimension] = Object.fromEntries(each);
    const values = each.map(([, value]) => value);
    const ratio = round(Math.max(...values) / Math.min(...values), 3);
    bounds.push({ figure: `CPU of a delivery by ${dimension}: most ÷ least`, value: ratio, most: CPU_RATIO_MAX });
  }
  const { seconds, body: bodyBytes, record } = options;
  const told = { ...pace, seconds, bodyBytes, cpuUs, connections: connections.join(' ') };
  await keepRigResults(stage, { bench: 'scale', record, figures: told, bounds, runs });
}

async function measure(
  stage: Stage,
  { seconds, body: bodyBytes }: Options,
  size: Size,
  perSecond: number,
): Promise<{ readonly run: RigRun; readonly open: number }> {
  await using rig = await startRig(stage, size);
  const targets = Array.from({ length: size.endpoints }, (_, index) => index);
  const from = -Math.min(WARM_UP_S, seconds);
  const streams = [{ id: STREAM, perSecond, from, to: seconds, targets }];
  const run = await runLoad(rig, { seconds, bodyBytes, streams, awaited: [STREAM] });
  return { run, open: (await rig.sink.counts()).connections };
}
