import { randomBytes } from 'node:crypto';
import { uniqueName } from '../../support/resources.ts';
import { serverLimits } from '../../../services/control-plane/src/server-limits.ts';
import { conclude, judge, type Bound } from '../bounds.ts';
import { keepResults, round } from '../machine.ts';
import { startBenchPlane, type BenchPlane } from '../plane/start-plane.ts';
import { cpuMicroseconds } from '../proc-stat.ts';
import { openStage } from '../rig/stage.ts';
import {
  startBenchPublisher,
  type BenchPublisher,
  type PublisherRun,
  type PublisherTold,
  type Way,
} from './publisher.ts';
import type { PlainOptions } from '../plain-options.ts';

type Options = PlainOptions<'publish'>;

const PARTITIONS = 12;
const TENANT = 'publisher';
/** As many as a tenant may be given: the rate is no part of what is measured. */
const EVENTS_PER_SECOND_MAX = 1_000_000;
/** A core carries what one tenant may publish in a second, if nothing else is set. */
const EVENTS_PER_SECOND_AND_CORE = serverLimits.publishedPerSecondDefault;
const CPU_RATIO_MAX = 2;
/** As of a create. */
const CALL_P99_MS_MAX = 50;
const WARM_UP_S = 3;
const STREAMS = 4;
/** There and back, so that what drifts meanwhile is in each. */
const WAYS: readonly Way[] = ['kafkajs', 'unary', 'stream', 'stream', 'unary', 'kafkajs'];
const PACED: readonly Way[] = ['kafkajs', 'unary', 'unary', 'kafkajs'];

/**
 * Events are published through a control plane with TLS and API keys, by calls and in streams, as fast as they are acknowledged; then one by
 * one at a steady rate. Beside it, in the same run, kafkajs alone writes the same events. Everything shares the machine.
 */
export async function benchPublish(options: Options): Promise<void> {
  const { seconds, together, callers, rate, body: bodyBytes, record } = options;
  await using stage = await openStage();
  const [topicPrefix, kek] = [`${uniqueName('bench')}.`, randomBytes(32).toString('hex')];
  await using plane = await startBenchPlane(stage, { topicPrefix, kek, partitions: PARTITIONS });
  await plane.connect().createTenant(TENANT, { publishedEventsPerSecond: EVENTS_PER_SECOND_MAX });
  const { bootstrapServers: brokers } = stage;
  const topic = `${topicPrefix}events`;
  const plan = { brokers, topic, partitions: PARTITIONS, reach: plane.reach, tenant: TENANT, bodyBytes };
  await using publisher = await startBenchPublisher(plan);

  const fast = (way: Way): PublisherRun => ({ way, seconds, together, atOnce: way === 'stream' ? STREAMS : callers });
  for (const way of WAYS.slice(0, 3)) await publisher.run({ ...fast(way), seconds: WARM_UP_S });
  const runs: Run[] = [];
  for (const way of WAYS) runs.push(await measure(plane, publisher, fast(way)));
  for (const way of PACED) {
    runs.push(await measure(plane, publisher, { way, seconds, together: 1, atOnce: 1, perSecond: rate }));
  }
  for (const run of runs) stage.say(JSON.stringify(run));
  const cost = (way: Way) => costOf(runs.filter((run) => run.way === way && run.perSecond === undefined));
  const [kafkajs, unary, stream] = [cost('kafkajs'), cost('unary'), cost('stream')];
  const paced = (way: Way) => worst(runs.filter((run) => run.way === way && run.perSecond !== undefined));
  const [bare, called] = [paced('kafkajs'), paced('unary')];
  const summary = {
    ...{ bench: 'publish', seconds, together, callers, streams: STREAMS, rate, bodyBytes },
    ...{ kafkajs, unary, stream, paced: { kafkajs: bare, unary: called } },
    ...judge([
      ...boundsOf(`calls of ${together}`, unary, kafkajs),
      ...boundsOf(`streams, ${together} events a part`, stream, kafkajs),
      { figure: `one event a call, ${rate} a second: p99 (ms)`, value: called.p99Ms, most: CALL_P99_MS_MAX },
    ]),
    ...stage.machineFacts(),
  };
  await keepResults('publish', { summary, runs }, record);
  conclude(summary);
}

interface Run extends PublisherRun {
  readonly told: PublisherTold;
  /** CPU of the control plane meanwhile, in microseconds. */
  readonly planeCpuUs: number;
}

async function measure({ process }: BenchPlane, publisher: BenchPublisher, run: PublisherRun): Promise<Run> {
  const before = await cpuMicroseconds(process.pid);
  const told = await publisher.run(run);
  return { ...run, told, planeCpuUs: (await cpuMicroseconds(process.pid)) - before };
}

/** Of an event: CPU of the control plane and of its publisher, in microseconds, and how many fit through. */
function costOf(runs: readonly Run[]) {
  const sum = (of: (run: Run) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const events = sum(({ told }) => told.events);
  return {
    events,
    perSecond: Math.round((events * 1_000) / sum(({ told }) => told.wallMs)),
    planeUs: round(sum(({ planeCpuUs }) => planeCpuUs) / events),
    publisherUs: round(sum(({ told }) => told.cpuUs) / events),
  };
}

type Cost = ReturnType<typeof costOf>;

function boundsOf(what: string, { planeUs }: Cost, kafkajs: Cost): Bound[] {
  const perSecondAndCore = Math.round(1e6 / planeUs);
  const ratio = round(planeUs / kafkajs.publisherUs, 2);
  return [
    { figure: `${what}: events per second and core`, value: perSecondAndCore, least: EVENTS_PER_SECOND_AND_CORE },
    { figure: `${what}: CPU of an event, kafkajs = 1`, value: ratio, most: CPU_RATIO_MAX },
  ];
}

/** The less good one of the runs at a steady rate. */
function worst(runs: readonly Run[]): Pick<PublisherTold, 'p50Ms' | 'p99Ms' | 'maxMs'> {
  const of = (name: 'p50Ms' | 'p99Ms' | 'maxMs'): number => Math.max(...runs.map(({ told }) => told[name]));
  return { p50Ms: of('p50Ms'), p99Ms: of('p99Ms'), maxMs: of('maxMs') };
}
