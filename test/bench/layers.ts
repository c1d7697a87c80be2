import { fork } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '../support/resources.ts';
import { askChild } from './ask-child.ts';
import { keepResults, load, machineFacts, median, round } from './machine.ts';
import { runLoopProcess } from './raw-loop.ts';
import { startSink, type Sink } from './sink.ts';
import type { LayerTold, LayerWork } from './layers-process.ts';
import type { PlainOptions } from './plain-options.ts';

type Options = PlainOptions<'layers'>;

/** CPU microseconds of one request or delivery. */
interface LayerRun {
  readonly cpuUs: number;
  /** Of the thread that does the work; null: not told. */
  readonly mainUs: number | null;
  readonly perSecond: number;
}

interface Layer {
  readonly name: string;
  readonly does: string;
  run(options: Options, sink: Sink, directory: string): Promise<LayerRun>;
}

/** Each does what the one before does, and something more, except `rules`, which sends nothing. */
const layers: readonly Layer[] = [
  { name: 'raw', does: "signed POSTs by undici's dispatch", run: loop('raw-loop') },
  { name: 'door', does: '… through the door to endpoints', run: loop('egress-loop') },
  {
    name: 'rules',
    does: 'a dispatcher, all but sending',
    run: dispatcher({ sends: false, metrics: false, logs: false }),
  },
  { name: 'sent', does: '… and it sends', run: dispatcher({ sends: true, metrics: false, logs: false }) },
  { name: 'metrics', does: '… with metrics', run: dispatcher({ sends: true, metrics: true, logs: false }) },
  {
    name: 'logged',
    does: '… and a log line for each attempt',
    run: dispatcher({ sends: true, metrics: true, logs: true }),
  },
];

/**
 * What each layer of a delivery costs, from the bare request up to a whole dispatcher that lacks nothing but a broker. The
 * layers run one after the other, there and back; each in a process of its own, against the same sink.
 */
export async function benchLayers(options: Options): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const loadBefore = load();
  await using sink = await startSink();
  await using directory = await tempDir();
  const runs = layers.map((): LayerRun[] => []);
  for (let round = 0; round < options.rounds; round += 1) {
    const order = [...layers.keys()];
    for (const index of [...order, ...order.toReversed()]) {
      const { name, run } = layers[index] as Layer;
      const measured = await run(options, sink, directory.path);
      runs[index]?.push(measured);
      say(`${name}: ${JSON.stringify(measured)}`);
    }
  }
  const figures = layers.map(({ name }, index) => ({ name, ...medians(runs[index] ?? []) }));
  const summary = {
    bench: 'layers',
    ...{ endpoints: options.endpoints, inFlight: options['in-flight'], bodyBytes: options.body },
    layers: Object.fromEntries(figures.map(({ name, ...figure }) => [name, figure])),
    ...machineFacts(null, loadBefore),
  };
  await keepResults('layers', { summary, runs }, options.record);
  say(`\n${tableOf(figures)}\n`);
  say(JSON.stringify(summary));
}

function medians(runs: readonly LayerRun[]) {
  const main = runs.flatMap(({ mainUs }) => (mainUs === null ? [] : [mainUs]));
  return {
    cpuUs: round(median(runs.map(({ cpuUs }) => cpuUs))),
    mainUs: main.length === 0 ? null : round(median(main)),
    perSecond: round(median(runs.map(({ perSecond }) => perSecond)), 0),
  };
}

function tableOf(figures: readonly (ReturnType<typeof medians> & { readonly name: string })[]): string {
  const raw = figures[0]?.cpuUs ?? Number.NaN;
  const rows = figures.map(({ name, cpuUs, mainUs }, index) => {
    const { does } = layers[index] as Layer;
    const threads = mainUs === null ? '' : `, ${round(cpuUs - mainUs)} of it by threads of the runtime`;
    return `${name.padEnd(8)} ${String(cpuUs).padStart(6)} µs  ${round(cpuUs / raw, 2).toFixed(2)} × raw  ${does}${threads}`;
  });
  return rows.join('\n');
}

function loop(name: 'raw-loop' | 'egress-loop'): Layer['run'] {
  return async ({ endpoints, seconds, body: bodyBytes, 'in-flight': inFlight }, sink) => {
    const { requests, cpuUs, wallUs } = await runLoopProcess(name, sink, { endpoints, seconds, bodyBytes, inFlight });
    return { cpuUs: round(cpuUs / requests), mainUs: null, perSecond: Math.round(requests / (wallUs / 1e6)) };
  };
}

function dispatcher(has: Pick<LayerWork, 'sends' | 'metrics' | 'logs'>): Layer['run'] {
  return async (options, sink, directory) => {
    const { endpoints, seconds, body: bodyBytes, 'in-flight': inFlight } = options;
    await using log = await open(join(directory, 'log'), 'w');
    const file = join(import.meta.dirname, 'layers-process.ts');
    const child = askChild(fork(file, [], { stdio: ['ignore', log.fd, 'inherit', 'ipc'] }), 'dispatcher');
    const work: LayerWork = { ...has, sinkPort: sink.port, endpoints, seconds, bodyBytes, inFlight };
    const { deliveries, cpuUs, mainCpuUs, wallUs } = await child.ask<LayerTold>(work);
    await child.close();
    const each = (us: number): number => round(us / deliveries);
    return { cpuUs: each(cpuUs), mainUs: each(mainCpuUs), perSecond: Math.round(deliveries / (wallUs / 1e6)) };
  };
}
