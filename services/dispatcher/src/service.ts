import { randomBytes } from 'node:crypto';
import {
  assertKeysKnown,
  createDataKeys,
  startConfigView,
  untilKafkaAnswers,
  type ConfigView,
  type UntilKafkaAnswers,
} from '@postrider/config-view';
import {
  assertLimits,
  drainLimitMs,
  limits,
  pooledRandom,
  requestOrigin,
  userAgent,
  type Clock,
  type RandomBytes,
} from '@postrider/core';
import { createEgress, judgeUrl, targetOf, watchPolicy, type AwaitTokenTurn, type LivePolicy } from '@postrider/egress';
import {
  checkTopics,
  coPartitionedTopics,
  partitionCount,
  topicName,
  whenTopicsExist,
  type KafkaPort,
  type TopicId,
} from '@postrider/kafka';
import {
  createMetrics,
  createSpans,
  type CheckResult,
  type Logger,
  type Metrics,
  type Spans,
} from '@postrider/runtime';
import { createByteMeter, createIntakeMeters } from './byte-meter.ts';
import { createDoneFilter } from './done-filter.ts';
import { createEndpointCache, type Target } from './endpoint-cache.ts';
import { followAnnounced, type AnnouncedAddresses } from './announced-addresses.ts';
import { everyPoolIsOpen, poolsReady, tellOfPools, type EgressPools } from './egress-pools.ts';
import { isReadyFor, namesTrouble, noTrouble, reachTrouble, tellOf, type Trouble } from './trouble.ts';
import { createEvents, type DispatcherEvents } from './events.ts';
import { intakeTopics } from './intake-ledger.ts';
import { createConfigEnd } from './config-end.ts';
import { createFreshOffsets, createOffsetsAt, createTopicIds } from './fresh-offsets.ts';
import { addGauges } from './gauges.ts';
import { createAnswers } from './levers/answers.ts';
import { joinDrainableGroup, type DrainableGroup } from './levers/drainable-group.ts';
import { openDesk } from './levers/desk.ts';
import { addLaneGauges } from './levers/lane-gauges.ts';
import { createLaneSurvey } from './levers/lane-survey.ts';
import type { Answers } from './levers/owner-server.ts';
import { drainWords } from './levers/words.ts';
import { openDestinations } from './open-destinations.ts';
import { createPauses } from './pauses.ts';
import { createAnsweringBook } from './answering-book.ts';
import { createReach } from './reach.ts';
import { createRowBound } from './row-bound.ts';
import { createScheduler, type SchedulerLimits } from './scheduler.ts';
import { createSlices } from './slices.ts';
import type { DestinationCap } from './destination-cap.ts';
import { createUnsettled } from './unsettled.ts';
import { connectRedis } from './redis-done-store.ts';
import { createWaitingStores, type WaitingStoresOptions } from './waiting-stores.ts';
import type { DispatcherConfig } from './config.ts';
import type { Send } from './dispatch-delivery.ts';
import type { DoneStore } from './done-store.ts';
import type { Pod } from './pod.ts';
import type { SharedRate } from './shared-rate.ts';

export type { DispatcherConfig } from './config.ts';
export type { DoneStore } from './done-store.ts';
export type { EgressPools } from './egress-pools.ts';
export type { Trouble } from './trouble.ts';
export type { SharedRate } from './shared-rate.ts';
export type { Send, SendRequest, SendResult } from './dispatch-delivery.ts';

/** What a dispatcher works with. */
export interface DispatcherDeps {
  readonly kafka: KafkaPort;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics;
  /** Instead of where the process's traces go. */
  readonly spans?: Spans;
  readonly random?: RandomBytes;
  /** Instead of the door to the internet. */
  readonly send?: Send;
  /** Instead of its egress pools. */
  readonly pools?: EgressPools;
  /** Instead of what it knows of name servers. */
  readonly names?: Trouble;
  /** Instead of what it knows of hosts. */
  readonly addressOf?: (host: string) => Promise<string>;
  /** Instead of the Redis that the configuration names. */
  readonly doneStore?: DoneStore;
  readonly sharedRate?: SharedRate;
}

/** A running dispatcher. */
export interface Dispatcher extends AsyncDisposable {
  readonly view: ConfigView;
  /** What it answers when it is asked about its deliveries. */
  readonly answers: Answers;
  /** For `/readyz`: every partition that the group has named us for is served, or is being taken over. */
  ready(): CheckResult;
  /** For `/readyz`: requests can leave from every egress pool. */
  leaving(): CheckResult;
  /** For `/readyz`: names can be resolved. */
  resolving(): CheckResult;
  /** For `/readyz`: requests reach endpoints. */
  reaching(): CheckResult;
  /** For `/livez`: what there is to read is read. */
  live(): CheckResult;
  /** The longest a clean stop may take (ms): everything in flight ends, and what it asks for is written. */
  readonly stopWithinMs: number;
}

/** What is read and written here, besides the configuration. */
const ownTopics: readonly TopicId[] = [...coPartitionedTopics, 'dead-letters', 'attempts', 'operations'];
const CLOSE_GRACE_MS = 1_000;

/**
 * Starts to own partitions: resolves when the configuration is read and the group has been joined for the first time. While
 * Kafka does not answer or topics are missing it waits, and says so. Rejects when the topics cannot keep the promises.
 */
export async function startDispatcher(
  config: DispatcherConfig,
  deps: DispatcherDeps,
  signal: AbortSignal,
): Promise<Dispatcher> {
  assertLimits();
  const { kafka, clock, log } = deps;
  const metrics = deps.metrics ?? createMetrics();
  const events = createEvents(log, metrics, deps.spans ?? createSpans());
  const topic = (id: TopicId): string => topicName(config.topicPrefix, id);
  await using stack = new AsyncDisposableStack();
  const onWaiting = (missing: readonly string[]) =>
    log.warn({ missing }, 'the dispatcher waits for Kafka and its topics');
  await whenTopicsExist(['config' as const, ...ownTopics].map(topic), { admin: kafka.admin, clock, signal, onWaiting });
  const view = stack.use(await startConfigView({ kafka, topic: topic('config'), log, clock, signal }));
  assertKeysKnown(config.keys, view.snapshot());
  const waiting = { clock, log, signal, what: 'the dispatcher' };
  await untilKafkaAnswers(waiting, () => checkOwnTopics(kafka, config.topicPrefix, view));
  const policy = stack.use(watchPolicy(config, { clock, unusable: events.policyUnusable }));
  policy.onChange(events.policyChanged);
  let destinations: DestinationCap | null = null;
  const announced = stack.use(followAnnounced(view));
  const door = openDoor(stack, config, deps, { policy, announced }, (turn, done) => {
    if (destinations === null) done(true);
    else destinations.awaitTurn(turn, done);
  });
  stack.defer(tellOfPools(door.pools, log, metrics));
  stack.defer(tellOf(door.names, namesTrouble, log, metrics));
  const between = await openBetween(config, deps, { events, stack, waiting, door });
  ({ destinations } = between);
  const desk = await openDesk(config, { clock, log, stack });
  const pod = createPod(config, deps, { events, topic, view, door, policy, between, stack, address: desk.address });
  stack.defer(tellOf(pod.reach, reachTrouble, log, metrics));
  const { sessionTimeoutMs } = config;
  const group = await joinDrainableGroup({ pod, kafka, sessionTimeoutMs, waiting, onDrain: events.drained });
  stack.defer(() => group.stop());
  addGauges(metrics, pod, group);
  const rowsMax = config.rowsMax ?? limits.podRowsMax;
  const survey = createLaneSurvey(() => group.owners, clock);
  addLaneGauges(metrics, survey, clock);
  const answers = createAnswers({ pod, group, rowsMax, survey, troubles: () => troublesOf(group, pod) });
  desk.answer(answers);
  log.info({ processId: config.processId, revision: view.snapshot().revision }, 'dispatching');
  const owned = stack.move();
  return {
    view,
    answers,
    ready: () => readiness(group),
    leaving: () => poolsReady(door.pools),
    resolving: () => isReadyFor(door.names, namesTrouble),
    reaching: () => isReadyFor(pod.reach, reachTrouble),
    live: () => group.reading(),
    stopWithinMs: drainLimitMs() + limits.drainSlackMs,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What the pod is put together from. */
interface PodParts {
  readonly events: DispatcherEvents;
  readonly topic: (id: TopicId) => string;
  readonly view: ConfigView;
  readonly door: Door;
  readonly policy: LivePolicy;
  readonly between: Between;
  readonly stack: AsyncDisposableStack;
  /** Where questions are answered. */
  readonly address: string;
}

function createPod(
  config: DispatcherConfig,
  { kafka, clock, random = randomBytes }: DispatcherDeps,
  parts: PodParts,
): Pod {
  const { events, topic, view, door, policy, between, stack, address } = parts;
  const judge = (url: string): Target => {
    const verdict = judgeUrl(url, policy.current());
    return verdict.verdict === 'deny'
      ? { kind: 'deny', detail: verdict.detail }
      : { kind: 'allow', ...targetOf(verdict.url) };
  };
  const dataKeys = stack.use(createDataKeys({ keyring: config.keys, clock, onTrouble: events.keyTrouble }));
  const endpoints = createEndpointCache({ snapshot: () => view.snapshot(), dataKeys, judgeUrl: judge });
  policy.onChange(() => endpoints.forget());
  const reach = createReach(clock);
  const producer = (name: string, apartMs = 0) =>
    stack.use(kafka.producer({ name: `${config.processId}-${name}`, apartMs }));
  const unsettled = createUnsettled();
  const freshOffsets = createFreshOffsets((name) => kafka.admin.offsets(name));
  const configEnd = createConfigEnd({
    ...{ clock, view, onTrouble: events.kafkaTrouble },
    end: async () => (await freshOffsets(topic('config')))[0]?.high ?? 0,
  });
  const drawn = pooledRandom(random);
  let stopped = false;
  stack.defer(() => {
    stopped = true;
  });
  return {
    processId: config.processId,
    groupId: `${config.topicPrefix}dispatcher`,
    address,
    clock,
    randomId: drawn,
    randomFraction: () => drawn(4).readUInt32BE() / 2 ** 32,
    events,
    admin: kafka.admin,
    reader: (options) => kafka.reader(options),
    stateProducer: producer('state'),
    resultProducer: producer('results', limits.resultsApartMs),
    topic,
    freshOffsets,
    configEnd,
    topicIds: createTopicIds((names) => kafka.admin.topicIds(names), ['ownership', ...intakeTopics], topic),
    offsetsAt: createOffsetsAt((name, timestamp) => kafka.admin.offsetsAt(name, timestamp)),
    view,
    ...{ endpoints, dataKeys },
    send: door.send,
    pools: door.pools,
    names: door.names,
    reach,
    pauses: createPauses(view, clock),
    answering: createAnsweringBook(),
    userAgent: userAgent(config.contactUrl),
    origin: requestOrigin(config.contactUrl),
    ...writersOf(topic, config.processId),
    ...slicesOf(clock, stack),
    loading: createByteMeter(limits.podLoadingBytesMax),
    ...between,
    unsettled,
    scheduler: createScheduler(clock, unsettled, boundsOf(config), between.destinations, reach),
    concurrencyStart: config.concurrencyStart ?? limits.laneConcurrencyStart,
    ...createIntakeMeters(),
    rowBound: createRowBound(events.rowsFull, config.rowsMax),
    stores: stack.use(createWaitingStores({ ...storeOptions(config), clock, events })),
    stopped: () => stopped,
  };
}

function slicesOf(clock: Clock, stack: AsyncDisposableStack): Pick<Pod, 'slices' | 'sweeps'> {
  const slices = createSlices(clock);
  const sweeps = createSlices(clock, limits.sweepRestMs);
  stack.defer(() => {
    slices.close();
    sweeps.close();
  });
  return { slices, sweeps };
}

/** Where attempts and operational events are written. */
function writersOf(topic: (id: TopicId) => string, pod: string): Pick<Pod, 'attempts' | 'operations'> {
  return {
    attempts: { topic: topic('attempts'), partitions: partitionCount('attempts', 0), pod },
    operations: { topic: topic('operations'), partitions: partitionCount('operations', 0) },
  };
}

function boundsOf({ inFlightMax = limits.podInFlightMax }: DispatcherConfig): SchedulerLimits {
  return { ...limits, podInFlightMax: inFlightMax };
}

function storeOptions({
  storeDir,
  storeBytesMax,
}: DispatcherConfig): Pick<WaitingStoresOptions, 'directory' | 'bytesMax'> {
  return { directory: storeDir ?? null, ...(storeBytesMax !== undefined && { bytesMax: storeBytesMax }) };
}

/** What processes have between them: only where there is somewhere to keep it. */
type Between = Pick<Pod, 'doneFilter' | 'destinations'>;

async function openBetween(
  config: DispatcherConfig,
  { kafka, clock, doneStore, sharedRate }: DispatcherDeps,
  parts: Pick<PodParts, 'events' | 'stack' | 'door'> & { readonly waiting: UntilKafkaAnswers },
): Promise<Between> {
  const { events, stack, waiting, door } = parts;
  const { redis: target } = config;
  const redis = target === undefined ? null : stack.use(connectRedis({ target, onTrouble: events.doneStoreTrouble }));
  const store = stack.use(doneStore ?? null) ?? redis;
  const rate = sharedRate ?? redis;
  const isScoped = store !== null || rate !== null;
  const cluster = isScoped ? (await untilKafkaAnswers(waiting, () => kafka.admin.describeCluster())).cluster : '';
  const scope = `${cluster}\n${config.topicPrefix}`;
  const destinations = openDestinations(config, { clock, events, addressOf: door.addressOf, rate, scope });
  stack.defer(() => destinations?.close());
  return { doneFilter: store === null ? null : createDoneFilter({ store, clock, events, scope }), destinations };
}

/** The door to the internet, and where requests leave from. */
interface Door extends Pick<Pod, 'send' | 'pools' | 'names'> {
  /** The address that a connection to a host would be made to. */
  readonly addressOf: (host: string) => Promise<string>;
}

function openDoor(
  stack: AsyncDisposableStack,
  { pools, nameServers }: DispatcherConfig,
  deps: DispatcherDeps,
  { policy, announced }: { readonly policy: LivePolicy; readonly announced: AnnouncedAddresses },
  awaitTokenTurn: AwaitTokenTurn,
): Door {
  const { send, pools: givenPools = everyPoolIsOpen, names = noTrouble } = deps;
  const { addressOf = (host) => Promise.resolve(host) } = deps;
  if (send !== undefined) return { send, pools: givenPools, names, addressOf };
  const egress = createEgress({
    ...{ policy: policy.current(), clock: deps.clock, awaitTokenTurn, announced: announced.of },
    ...(pools !== undefined && { pools }),
    ...(nameServers !== undefined && { nameServers }),
  });
  policy.onChange((next) => egress.usePolicy(next));
  announced.onChange(() => egress.announcedChanged());
  stack.defer(() => egress.close({ graceMs: CLOSE_GRACE_MS }));
  return {
    send: (request, done) => egress.send(request, done),
    pools: egress.pools,
    names: egress.names,
    addressOf: (host) => egress.addressOf(host),
  };
}

/** What the promises need of the topics that are read and written here; all problems at once. */
async function checkOwnTopics(kafka: KafkaPort, prefix: string, view: ConfigView): Promise<void> {
  const described = await kafka.admin.describeTopics(ownTopics.map((id) => topicName(prefix, id)));
  const problems = checkTopics(described, {
    prefix,
    topics: ownTopics,
    partitions: view.snapshot().layout?.partitions ?? 1,
    bodyBytesMax: limits.bodyBytesDefault,
    retrySpanMs: limits.retrySpanMaxMs,
  });
  if (problems.length > 0) throw new Error(`The topics cannot keep what is promised. ${problems.join(' ')}`);
}

function readiness(group: DrainableGroup): CheckResult {
  if (group.drain !== null) return { ok: false, reason: drainWords(group.drain) };
  const states: Record<string, number> = {};
  for (const { state } of group.owners.values()) states[state] = (states[state] ?? 0) + 1;
  return { ok: true, detail: states };
}

/** What keeps this process from sending, for whoever asks. */
function troublesOf(group: DrainableGroup, { pools, names, reach }: Pod): readonly string[] {
  const leaving = [poolsReady(pools), isReadyFor(names, namesTrouble), isReadyFor(reach, reachTrouble)];
  const checks = [readiness(group), group.reading(), ...leaving];
  return checks.flatMap((check) => (check.ok ? [] : [check.reason]));
}
