import { checkDeliveries, type Evidence, type Expectation } from '../support/check-deliveries.ts';
import { createCustomers, plainType, twentyCustomers, wantedByAllType, type Customer } from '../support/customers.ts';
import { openKafkaEdges } from '../support/kafka-edges.ts';
import { startKafka } from '../support/kafka.ts';
import { startLoad } from '../support/load.ts';
import { expectations } from '../support/publish-events.ts';
import { quantile } from '../support/quantile.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { resultsSeen } from '../support/results-seen.ts';
import { watchStack } from '../support/stack-watch.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';
import { latencies } from './measure.ts';
import type { Latency, Play, Row, RowResult, Skip } from './row.ts';
import { keepTraces } from './keep-traces.ts';
import { Scene } from './scene.ts';

const routers = 2;
const dispatchers = 3;
const sessionTimeoutMs = 8_000;

/** How long each phase of a row lasts, besides the injection. */
export interface Pace {
  /** Connections, caches and compiled code come to rest before the baseline. */
  readonly warmUpMs: number;
  readonly baselineMs: number;
  /** The load goes on for a while after the last thing is mended. */
  readonly aftermathMs: number;
  readonly eventsPerSecond: number;
  /** A slowest hundredth that is slower by no more than this says more of the machine than of what was broken. */
  readonly calmSlackMs: number;
}

export const fullPace: Pace = {
  ...{ warmUpMs: 4_000, baselineMs: 8_000, aftermathMs: 3_000 },
  ...{ eventsPerSecond: 30, calmSlackMs: 100 },
};
/** Too short for a baseline that says much: of a few seconds' deliveries the slowest hundredth is one stall of the machine. */
export const briefPace: Pace = {
  ...{ warmUpMs: 1_000, baselineMs: 2_000, aftermathMs: 1_000 },
  ...{ eventsPerSecond: 20, calmSlackMs: 1_000 },
};

const quietTimeoutMs = 90_000;
/** How long after its attempt's record a delivery may be done, on a busy machine. */
const slackMs = 1_000;

/** Of each tenant: every third customer, so that each has some that are well. */
const tenants = ['chaos-a', 'chaos-b', 'chaos-c'];
/** Each tenth event is wanted by the endpoint that hangs, too: it can take no more. */
const type = (number: number) => (number % 50 === 0 ? wantedByAllType : plainType);
const processes = [...numbered('router', routers), ...numbered('dispatcher', dispatchers)];

/**
 * Brings everything up, breaks what the row breaks, waits until all is quiet, and compares what was seen with what is
 * promised.
 */
export async function runRow(row: Row, pace: Pace = fullPace): Promise<RowResult | Skip> {
  const started = performance.now();
  await using undo = new AsyncDisposableStack();
  const play = 'prepare' in row ? await row.prepare(undo) : row;
  if ('skip' in play) return play;
  const { brokers = 1 } = row;
  await using edges = await openKafkaEdges(processes, brokers);
  await using kafka = await startKafka({ ...play.kafka, brokers, ownBrokers: true, edges: edges.plans });
  await using receiver = await startReceiver();
  await using stack = await startStack({
    ...{ kafka, routers, dispatchers, sessionTimeoutMs, replicationFactor: brokers },
    brokersOf: (name) => (processes.includes(name) ? edges.edge(name).bootstrapServers : kafka.bootstrapServers),
    ...(play.envOf === undefined ? {} : { envOf: play.envOf }),
    ...(play.kekFile === undefined ? {} : { kekFile: play.kekFile }),
  });
  const customers = await createAllCustomers(stack, await named(receiver, play.urls));
  await using watch = await watchStack(stack);
  const { eventsPerSecond } = pace;
  await using load = startLoad(stack, { tenants, eventsPerSecond, type });
  const { edge } = edges;
  const { recoveryMsMax } = row;
  const scene = new Scene({ kafka, stack, watch, receiver, load, customers, edge, sessionTimeoutMs, recoveryMsMax });
  await scene.ownedByAll(stack.dispatchers);
  await scene.pass(pace.warmUpMs);
  const baselineFrom = Date.now();
  await scene.pass(pace.baselineMs);
  await play.inject(scene);
  scene.mended();
  await scene.pass(pace.aftermathMs);
  const events = await within(quietTimeoutMs, load.stop());
  const all = [...customers].flatMap(([tenant, list]) =>
    expectations(
      stack,
      events.filter((event) => event.tenant === tenant),
      list,
    ),
  );
  for (const guest of scene.guests) all.push(...expectations(stack, guest.events, guest.customers));
  const expected = all.filter(({ deliveryId }) => !scene.excused.has(deliveryId));
  const unquiet = await waitFor(() => watch.quiet(expected.length), { what: 'quiet', timeoutMs: quietTimeoutMs }).then(
    () => [],
    (error: Error) => [`not quiet: ${(error.cause as Error | undefined)?.message ?? error.message}`],
  );
  const evidence = await gather(scene, expected, all);
  const verdict = checkDeliveries(evidence);
  const latency = latencyOf(scene, evidence.receipts, baselineFrom);
  const recoveryMs = scene.recoveries.length === 0 ? null : Math.max(...scene.recoveries);
  const measured = { scene, recoveryMs, latency, duplicates: verdict.duplicates };
  const problems = [...unquiet, ...verdict.problems, ...rowProblems(row, pace, measured)];
  if (problems.length > 0) await keepTraces(row.id, { scene, evidence, problems });
  return {
    ...{ id: row.id, title: row.title, eventsPerSecond, sessionMs: sessionTimeoutMs, deliveries: expected.length },
    ...{ lost: verdict.lost, duplicates: verdict.duplicates, duplicatesAllowed: verdict.duplicatesAllowed },
    ...{ recoveryMs, recoveryMsMax: row.recoveryMsMax, latency, outcomes: scene.outcomes },
    problems,
    seconds: (performance.now() - started) / 1_000,
  };
}

/** The same promise, or a rejection when it takes too long. */
async function within<T>(ms: number, accepted: Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(ms);
  return Promise.race([
    accepted,
    new Promise<never>((_resolve, reject) => {
      late.onabort = () => reject(new Error(`Kafka has not accepted everything within ${ms} ms`));
    }),
  ]);
}

function numbered(service: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${service}-${index + 1}`);
}

/** What was seen of the deliveries that must end, and nothing of those that are excused. */
async function gather(scene: Scene, expected: Expectation[], all: readonly Expectation[]): Promise<Evidence> {
  const { stack, watch } = scene;
  const excused = new Set(
    all.filter(({ deliveryId }) => scene.excused.has(deliveryId)).map(({ path, webhookId }) => `${path} ${webhookId}`),
  );
  const received = await scene.receivedSince(0);
  const receipts = received.filter(({ path, webhookId }) => !excused.has(`${path} ${webhookId}`));
  const { attempts, deadLetters } = await resultsSeen(stack, watch, expected);
  return { expected, receipts, deadLetters, attempts, kills: watch.interruptions, slackMs };
}

/** The same receiver under other names. */
async function named(receiver: Receiver, urls: Play['urls']): Promise<Receiver> {
  return urls === undefined ? receiver : { ...receiver, url: await urls(receiver) };
}

async function createAllCustomers(stack: Stack, receiver: Receiver): Promise<Map<string, readonly Customer[]>> {
  const customers = new Map<string, readonly Customer[]>();
  for (const [index, tenant] of tenants.entries()) {
    const plans = twentyCustomers.filter((_, place) => place % tenants.length === index);
    customers.set(tenant, await createCustomers(stack, receiver, tenant, plans));
  }
  return customers;
}

function latencyOf(scene: Scene, receipts: Evidence['receipts'], from: number): Latency {
  const { spans } = scene;
  const { accepted } = scene.parts.load;
  const calm = spans.filter(({ calmPaths }) => calmPaths.size > 0);
  const paths = scene.goodPaths();
  const baseline = latencies(receipts, accepted, { from, to: spans[0]?.from ?? Infinity, paths });
  const broken = calm.flatMap(({ calmPaths, ...span }) => latencies(receipts, accepted, { ...span, paths: calmPaths }));
  return { baselineMs: quantile(baseline, 0.99), brokenMs: broken.length === 0 ? null : quantile(broken, 0.99) };
}

interface Measured {
  readonly scene: Scene;
  readonly recoveryMs: number | null;
  readonly latency: Latency;
  readonly duplicates: number;
}

function rowProblems(row: Row, { calmSlackMs }: Pace, { scene, recoveryMs, latency, duplicates }: Measured): string[] {
  const problems = scene.outcomes.filter(({ ok }) => !ok).map(({ text }) => `not so: ${text}`);
  if (row.noDuplicates === true && duplicates > 0) problems.push(`${duplicates} duplicates where none is allowed`);
  if (recoveryMs !== null && recoveryMs > row.recoveryMsMax)
    problems.push(`recovered after ${recoveryMs} ms, later than ${row.recoveryMsMax} ms`);
  const { baselineMs, brokenMs } = latency;
  const most = Math.max(baselineMs * (row.calmRatioMax ?? Infinity), baselineMs + calmSlackMs);
  if (brokenMs !== null && brokenMs > most)
    problems.push(`others were slowed: p99 ${Math.round(brokenMs)} ms, ${Math.round(baselineMs)} ms before`);
  return problems;
}
