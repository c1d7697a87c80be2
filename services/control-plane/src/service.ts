import { createHmac, randomBytes } from 'node:crypto';
import { startConfigView } from '@postrider/config-view';
import { assertLimits, PostriderError } from '@postrider/core';
import {
  DEFAULT_POOL,
  judgeUrl,
  watchPolicy,
  type LivePolicy,
  type PolicySwitches,
  type PoolDefinitions,
} from '@postrider/egress';
import { topicName } from '@postrider/kafka';
import { startApiServer } from './api-server.ts';
import { ensureAdminKey, ensureConfigTopic, ensureLayout, ensureTopics } from './bootstrap.ts';
import { watchCertificates } from './certificate-watch.ts';
import { claimConfig } from './config-writer.ts';
import { createEvents } from './events.ts';
import { createPageTokens } from './page-token.ts';
import { createPaging } from './paging.ts';
import { createAskDispatcher } from './ask-owner.ts';
import { createOwners } from './owners.ts';
import { startRestating } from './restating.ts';
import { startVerifier } from './verifier.ts';
import { takeWriterSeat } from './writer-seat.ts';
import type { ConfigView } from '@postrider/config-view';
import type { Clock, RandomBytes, SealingKey } from '@postrider/core';
import type { KafkaPort } from '@postrider/kafka';
import type { Logger, Metrics } from '@postrider/runtime';
import type { ApiKey } from './api-key.ts';
import type { TopicsConfig } from './bootstrap.ts';
import type { ConfigWriter } from './config-writer.ts';
import type { JudgeEndpointUrl } from './validate-endpoint.ts';
import type { Restating } from './restating.ts';
import type { WriterSeat } from './writer-seat.ts';

/** Everything that the control plane can be told. */
export interface ControlPlaneConfig extends TopicsConfig, PolicySwitches {
  /** Unique per process: the Kafka client id by which others see who the writer is. */
  readonly processId: string;
  readonly grpc: { readonly host: string; readonly port: number };
  /** Whether the API describes itself to tools. */
  readonly reflection: boolean;
  /** How long the group waits for a silent writer before another may take its place. */
  readonly sessionTimeoutMs: number;
  /** The key-encryption key. */
  readonly kek: SealingKey;
  /** The egress pools that endpoints may name; absent: only `default`. */
  readonly pools?: PoolDefinitions;
  /** A key that may do everything; absent when one has been made before. */
  readonly bootstrapAdminKey?: ApiKey;
}

export interface ControlPlaneDeps {
  readonly kafka: KafkaPort;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics;
  readonly random?: RandomBytes;
}

/** A running control plane. */
export interface ControlPlane extends AsyncDisposable {
  /** The port of the gRPC API. */
  readonly port: number;
  readonly view: ConfigView;
  /** Rejects when this process has lost its place as the writer: it must be stopped then. Never resolves. */
  readonly ended: Promise<never>;
}

/**
 * Starts the gRPC API over the `config` topic, as its only writer. While Kafka does not answer it waits and says so.
 * Rejects with one sentence when another control plane is running, the topics are not fit, or the port is taken.
 */
export async function startControlPlane(
  config: ControlPlaneConfig,
  deps: ControlPlaneDeps,
  signal: AbortSignal,
): Promise<ControlPlane> {
  assertLimits();
  const { kafka, clock, log, random = randomBytes } = deps;
  const topic = topicName(config.topicPrefix, 'config');
  const topics = { admin: kafka.admin, clock, log, signal };
  const events = createEvents(log, deps.metrics);
  const stale = new Set<string>();
  let restating: Restating | null = null;
  await using stack = new AsyncDisposableStack();
  await ensureConfigTopic(config, topics);
  const seat = stack.use(await takeWriterSeat(seatOptions(config, deps, topic, signal)));
  const view = stack.use(
    await startConfigView({
      kafka,
      topic,
      log,
      clock,
      signal,
      onProblem(problem) {
        events.configProblem(problem);
        if (problem.code === 'stale_writer') stale.add(problem.key);
        restating?.wake();
      },
    }),
  );
  const writer = stack.use(await claim(config, deps, topic, view, seat));
  restating = stack.use(startRestating({ writer, stale, clock, log }));
  const layout = await ensureLayout(writer, view, config.partitions, log);
  await ensureTopics(config, layout, topics);
  if (config.bootstrapAdminKey !== undefined) await ensureAdminKey(writer, config.bootstrapAdminKey);
  else if ([...view.snapshot().apiKeys()].length === 0) {
    log.warn({}, 'there is no API key yet: set POSTRIDER_BOOTSTRAP_ADMIN_KEY to make one');
  }
  const verifier = stack.use(
    await startVerifier({ kafka, view, writer, topicPrefix: config.topicPrefix, clock, random, log }),
  );
  stack.use(watchCertificates({ view, clock, events }));
  const policy = stack.use(watchPolicy(config, { clock, unusable: events.policyUnusable }));
  policy.onChange(events.policyChanged);
  const server = stack.use(
    await startApiServer({
      ...config.grpc,
      reflection: config.reflection,
      context: { ...serviceContext(config, deps, view, writer, policy), verifier },
      events,
      clock,
    }),
  );
  const ended = whenLost(seat, writer, () => server.setServing(false));
  log.info({ host: config.grpc.host, port: server.port, revision: view.snapshot().revision }, 'the gRPC API is served');
  const owned = stack.move();
  return { port: server.port, view, ended, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function seatOptions(
  config: ControlPlaneConfig,
  { kafka, clock, log }: ControlPlaneDeps,
  topic: string,
  signal: AbortSignal,
) {
  const { processId, sessionTimeoutMs, topicPrefix } = config;
  return { kafka, groupId: `${topicPrefix}config-writer`, topic, processId, sessionTimeoutMs, clock, log, signal };
}

function claim(
  { processId }: ControlPlaneConfig,
  { kafka, clock, log, random = randomBytes }: ControlPlaneDeps,
  topic: string,
  view: ConfigView,
  seat: WriterSeat,
): Promise<ConfigWriter> {
  return claimConfig({ kafka, view, topic, processId, clock, random, log, mayWrite: () => seat.mayWrite() });
}

function serviceContext(
  config: ControlPlaneConfig,
  { kafka, clock, random = randomBytes }: ControlPlaneDeps,
  view: ConfigView,
  writer: ConfigWriter,
  policy: LivePolicy,
) {
  const { kek, topicPrefix } = config;
  const owners = createOwners({ kafka, view, topicPrefix, clock, ask: createAskDispatcher(kek, clock) });
  const judge: JudgeEndpointUrl = (url) => {
    const verdict = judgeUrl(url, policy.current());
    return verdict.verdict === 'allow' ? null : { reason: verdict.reason, detail: verdict.detail };
  };
  // Tokens must outlive a restart and be worth nothing elsewhere.
  const tokenKey = createHmac('sha256', kek.key).update('postrider page tokens').digest();
  const pools = new Set([DEFAULT_POOL, ...(config.pools?.keys() ?? [])]);
  const paging = createPaging(createPageTokens(tokenKey));
  return { view, writer, owners, kafka, topicPrefix, paging, kek, judgeUrl: judge, pools, clock, random };
}

function whenLost(seat: WriterSeat, writer: ConfigWriter, onLost: () => void): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const lose = (why: string): void => {
    onLost();
    reject(new PostriderError('fenced', `the control plane has lost its place as the writer: ${why}`));
  };
  seat.onLost(lose);
  writer.onSuperseded(lose);
  // Whoever started us may not look at it.
  promise.catch(() => {});
  return promise;
}
