import { orAborted, startConfigView, untilKafkaAnswers, type ConfigView } from '@postrider/config-view';
import { topicName, whenTopicsExist, type KafkaPort } from '@postrider/kafka';
import { createMetrics, createSpans, type Logger, type Metrics } from '@postrider/runtime';
import type { Clock } from '@postrider/core';
import { createBudget, type Budget } from './budget.ts';
import { createFlow } from './flow.ts';
import { routerEvents } from './events.ts';
import { createRoutes } from './routes.ts';
import { startSourceReading, type SourceReading } from './source-reading.ts';
import { followSubscriptions } from './subscription-index.ts';
import type { RouterConfig } from './config.ts';

export interface RouterDeps {
  readonly kafka: KafkaPort;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics;
}

/** A running router. */
export interface Router extends AsyncDisposable {
  /** Reads, and how far the configuration is known. For readiness. */
  readonly ready: () => { readonly ok: true } | { readonly ok: false; readonly reason: string };
}

/**
 * Matches each event of the source topics to subscriptions and writes one delivery per endpoint. Resolves once the
 * configuration is read and the first assignment of partitions has come. Disposing it stops reading, waits for what was
 * written to be acknowledged, commits and leaves the group.
 */
export async function startRouter(config: RouterConfig, deps: RouterDeps, signal: AbortSignal): Promise<Router> {
  const { kafka, clock, log } = deps;
  const events = routerEvents(log, deps.metrics ?? createMetrics(), createSpans());
  await using started = new AsyncDisposableStack();

  const sourceTopics = config.sourceTopics ?? [topicName(config.topicPrefix, 'events')];
  const ownTopics = (['config', 'deliveries', 'quarantine'] as const).map((id) => topicName(config.topicPrefix, id));
  const onWaiting = (missing: readonly string[]) => log.warn({ missing }, 'the router waits for Kafka and its topics');
  await whenTopicsExist([...ownTopics, ...sourceTopics], { admin: kafka.admin, clock, signal, onWaiting });

  const topic = topicName(config.topicPrefix, 'config');
  const view = started.use(await startConfigView({ kafka, topic, log, clock, signal }));
  const subscriptions = started.use(followSubscriptions(view, log));
  const producer = started.use(kafka.producer({ name: 'router' }));
  const waiting = { clock, log, signal, what: 'the router' };
  const { cluster } = await untilKafkaAnswers(waiting, () => kafka.admin.describeCluster());
  const { queued, writing, connect } = budgets(config);
  const route = createRoutes({ config, cluster, clock, view, subscriptions, events });
  const onRefused = events.writeRefused;
  const flow = createFlow({ producer, queued, writing, clock, route, onRefused });
  const groupId = `${config.topicPrefix}router`;
  const { processId, sessionTimeoutMs } = config;
  const source = { kafka, clock, flow, events, sourceTopics, groupId, processId, sessionTimeoutMs };
  const reading = started.use(await orAborted(startSourceReading(source), signal));
  connect(reading);

  const all = started.move();
  return {
    ready: () => readiness(view, reading),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** The bounds of what is read and of what is being written; reading pauses on the first. */
function budgets(config: RouterConfig): { queued: Budget; writing: Budget; connect(reading: SourceReading): void } {
  let reading: SourceReading | null = null;
  const bounds = { recordsMax: config.outstandingMax, bytesMax: config.outstandingBytesMax };
  return {
    queued: createBudget({ ...bounds, onPressure: (pause) => (pause ? reading?.pause() : reading?.resume()) }),
    writing: createBudget(bounds),
    connect: (started) => {
      reading = started;
    },
  };
}

function readiness(view: ConfigView, reading: SourceReading): ReturnType<Router['ready']> {
  if (view.snapshot().layout === null)
    return { ok: false, reason: 'no layout record on the config topic: has the control plane been started once?' };
  return reading.joined ? { ok: true } : { ok: false, reason: 'not a member of the consumer group at the moment' };
}
