import { setTimeout as delay } from 'node:timers/promises';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { quantile } from '../support/quantile.ts';
import { round } from './machine.ts';
import { flowOf, type Flow } from './rig/figures.ts';
import { paceOf } from './rig/pace.ts';
import { keepRigResults, type NamedRun } from './rig/rig-results.ts';
import { startRig, type Rig, type RigOptions } from './rig/rig.ts';
import { runLoad, type RigRun } from './rig/run.ts';
import { openStage, type Stage } from './rig/stage.ts';
import { timedBody } from './rig/timed-body.ts';
import { lanePaces, type Backlog } from './recover-paces.ts';
import { writeLastOwner, writeRows } from './rows.ts';
import type { BenchEndpoint, EndpointPlan } from './bench-config.ts';
import type { Bound } from './bounds.ts';
import type { PlainOptions } from './plain-options.ts';

type Options = PlainOptions<'recover'>;

const WELL = 1;
const ROWS = 2;
const OTHERS = 200;
const WARM_UP_S = 10;
/** Events of rows have numbers that no live delivery has. */
const ROWS_FROM_EVENT = 1_000_000_000;
/** Of a killed dispatcher, after which its heir takes over. */
const SESSION_MS = 6_000;
/** What a kill may cost beside: the session, the takeover, and what waits until it is loaded. */
const KILL_S_MAX = 25;
const LANE_RATIO_MAX = 1.2;
const READS_RATIO_MAX = 2;
const P99_SLACK_MS = 5;
const LOOK_MS = 200;
const part = { streams: [WELL] };

/** One endpoint with much that waits, and many on one partition, before and without others; then killed half-way. */
export async function benchRecover(options: Options): Promise<void> {
  await using stage = await openStage();
  const { seconds, rate, body: bodyBytes, record } = options;
  const pace = await paceOf(stage, { ...options, endpoints: OTHERS, rate: options.dispatch });
  const dispatchPerSecond = pace.dispatchPerSecond ?? options.dispatch;
  const one = [{ lanes: 1, waiting: options.waiting, perSecond: options['one-rate'], reason: WaitReason.BREAKER_OPEN }];
  const many = [options.fast, options.slow].map((perSecond) => ({
    ...{ lanes: options.lanes / 2, waiting: options['lane-waiting'], perSecond, reason: WaitReason.RETRY },
  }));
  const runs: NamedRun[] = [];
  const alone: RigRun[] = [];
  const bounds: Bound[] = [];
  const figures: Record<string, unknown> = {};
  const plays: readonly (readonly [string, readonly Backlog[], boolean])[] = [
    ['without', [], false],
    ['one', one, false],
    ['many', many, false],
    ['one, killed', one, true],
    ['many, killed', many, true],
    ['without', [], false],
  ];
  const found = new Map<string, { readonly flow: Flow; readonly played: Played }>();
  for (const [name, backlogs, kills] of plays) {
    const played = await play(stage, options, backlogs, kills);
    const flow = flowOf([played.run], part);
    runs.push({ name, run: played.run, part });
    if (backlogs.length === 0) alone.push(played.run);
    else found.set(name, { flow, played });
    stage.say(`${name}: ${JSON.stringify(flow)}`);
  }
  const without = flowOf(alone, part);
  for (const [name, { flow, played }] of found) {
    const backlogs = name.startsWith('one') ? one : many;
    const isKilled = name.endsWith('killed');
    const told = paces(played, backlogs, { seconds, free: Math.max(1, dispatchPerSecond - rate), isKilled });
    figures[name] = { others: flow, ...told };
    bounds.push(...boundsOf(name, told, isKilled ? null : { flow, without }));
  }
  const told = { ...pace, othersPerSecond: rate, seconds, bodyBytes, without, ...figures };
  await keepRigResults(stage, { bench: 'recover', record, figures: told, bounds, runs });
}

interface Told {
  /** Of each kind of lane, how its slowest twentieth compares with its own time. */
  readonly laneRatios: Readonly<Record<string, number>>;
  readonly delivered: number;
  readonly readsPerDelivered: number;
}

function paces(
  { run, reads }: Played,
  backlogs: readonly Backlog[],
  { isKilled, ...given }: { readonly seconds: number; readonly free: number; readonly isKilled: boolean },
): Told {
  const { ratios, delivered } = lanePaces(run.arrivals, ROWS, backlogs, {
    ...given,
    ...{ firstLane: OTHERS, excusedS: isKilled ? KILL_S_MAX : 0 },
  });
  const laneRatios = Object.fromEntries(
    backlogs.map(({ perSecond }, index) => [`${perSecond}/s`, round(quantile(ratios[index] ?? [], 0.95), 3)]),
  );
  return { laneRatios, delivered, readsPerDelivered: round(reads / delivered, 3) };
}

function boundsOf(name: string, told: Told, others: { readonly flow: Flow; readonly without: Flow } | null): Bound[] {
  const lanes = Object.entries(told.laneRatios).map(([kind, value]) => ({
    ...{ figure: `${name}: time of lanes of ${kind} ÷ their own`, value, most: LANE_RATIO_MAX },
  }));
  const reads = { figure: `${name}: rows read ÷ delivered`, value: told.readsPerDelivered, most: READS_RATIO_MAX };
  if (others === null) return [...lanes, reads];
  const { flow, without } = others;
  const most = round(1.2 * without.p99Ms + P99_SLACK_MS, 2);
  return [...lanes, reads, { figure: `${name}: p99 of the others (ms)`, value: flow.p99Ms, most }];
}

interface Played {
  readonly run: RigRun;
  /** Waiting deliveries that all dispatchers have read. */
  readonly reads: number;
}

async function play(stage: Stage, options: Options, backlogs: readonly Backlog[], isKilled: boolean): Promise<Played> {
  const { seconds, rate: perSecond, body: bodyBytes } = options;
  await using rig = await startRig(stage, rigOptions(options, backlogs));
  let reads = 0;
  const from = -Math.min(WARM_UP_S, seconds);
  const targets = Array.from({ length: OTHERS }, (_, index) => index);
  const run = await runLoad(rig, {
    ...{ seconds, bodyBytes, awaited: [WELL] },
    streams: [{ id: WELL, perSecond, from, to: seconds, targets }],
    async whileRunning(_load, isOver) {
      if (isKilled) reads += await killHalfWay(rig, backlogs, isOver);
      while (!isOver()) await delay(LOOK_MS);
      reads += (await rig.dispatchers.at(-1)?.metric('postrider_store_reads')) ?? 0;
    },
  });
  return { run, reads };
}

function rigOptions({ body }: Options, backlogs: readonly Backlog[]): RigOptions {
  const lanes = backlogs.flatMap((backlog) => Array.from({ length: backlog.lanes }, () => backlog));
  return {
    endpoints: OTHERS + lanes.length,
    env: { POSTRIDER_SESSION_TIMEOUT: `${SESSION_MS}ms` },
    planOf(index): EndpointPlan {
      const lane = lanes[index - OTHERS];
      if (lane === undefined) return {};
      const ratePeriod = { seconds: 1n, nanos: 0 };
      return { partition: 0, fields: { limits: { rateCount: lane.perSecond, ratePeriod } } };
    },
    async before({ stage, topicPrefix, partitions, endpoints, topic }) {
      await writeLastOwner(stage.port, topic('ownership'), partitions);
      const now = Date.now();
      // Rows of all lanes in turn, as they would have come.
      const rows = lanes.flatMap((lane, index) => Array.from({ length: lane.waiting }, (_, turn) => ({ index, turn })));
      rows.sort((a, b) => a.turn - b.turn);
      await writeRows({ kafka: stage.port, topicPrefix, partitions }, rows.length, (number) => {
        const { index = 0 } = rows[number] ?? {};
        return {
          endpoint: endpoints[OTHERS + index] as BenchEndpoint,
          ...{ event: ROWS_FROM_EVENT + number, body: timedBody({ at: 0, stream: ROWS, number }, body) },
          ...{ tier: 'retry.1h', dueAt: now, waitReason: lanes[index]?.reason ?? WaitReason.RETRY },
        };
      });
      stage.say(`  ${rows.length} rows of ${lanes.length} lanes written`);
    },
  };
}

/** SIGKILL when half of what will be delivered has arrived; another dispatcher goes on. Gives what the first has read. */
async function killHalfWay(rig: Rig, backlogs: readonly Backlog[], isOver: () => boolean): Promise<number> {
  const all = backlogs.reduce((sum, { lanes, waiting }) => sum + lanes * waiting, 0);
  const [first] = rig.dispatchers;
  const half = Math.min(all / 2, backlogs.reduce((sum, { lanes, perSecond }) => sum + lanes * perSecond, 0) * 20);
  while (!isOver() && (await rig.sink.counts()).requests < half) await delay(LOOK_MS);
  const reads = (await first?.metric('postrider_store_reads')) ?? 0;
  await first?.kill();
  rig.dispatchers.shift();
  await rig.addDispatcher();
  return reads;
}
