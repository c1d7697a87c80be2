import { createHmac, randomBytes } from 'node:crypto';
import { assertKeysKnown, createDataKeys, orAborted, startConfigView } from '@postrider/config-view';
import { assertLimits, PostriderError, separateRandom } from '@postrider/core';
import {
  DEFAULT_POOL,
  judgeUrl,
  watchPolicy,
  type LivePolicy,
  type PolicySwitches,
  type PoolDefinitions,
} from '@postrider/egress';
import { topicName } from '@postrider/kafka';
import { reachableAddress, startPage } from '@postrider/runtime';
import { startApiServer } from './api-server.ts';
import { createAuditLog } from './audit/log.ts';
import { createAuthenticate } from './authenticate.ts';
import { ensureFirstTopics } from './bootstrap.ts';
import { createCallRouting } from './call-routing.ts';
import { watchCertificates } from './certificate-watch.ts';
import { createConfigMark } from './config-mark.ts';
import { declaredSources } from './egress/announced.ts';
import { createEgressDocument, EGRESS_PATH, wellKnownLimits } from './egress/egress-document.ts';
import { createEvents } from './events.ts';
import { createFindEnding } from './find-ending.ts';
import { createForwardCall } from './forward-call.ts';
import { neverLeads, startLeadership } from './leadership.ts';
import { startPublishing } from './publishing/publishing.ts';
import { createKeyUse } from './key-use.ts';
import { createOperationWaits } from './operations/until-done.ts';
import { createPageTokens } from './page-token.ts';
import { createPaging } from './paging.ts';
import { createAskDispatcher } from './ask-owner.ts';
import { createOwners } from './owners.ts';
import { watchSecrets } from './secrets/secret-watch.ts';
import { serverLimits } from './server-limits.ts';
import { createStaleKeys } from './stale-keys.ts';
import { beginTerm, type TermOptions } from './term.ts';
import { openKeySource } from './jwt/key-source.ts';
import { createVerifyJwt, type VerifyJwt } from './jwt/verify-jwt.ts';
import { watchTls } from './tls/live-tls.ts';
import { createReplicaChannels } from './tls/replica-channel.ts';
import { createShowing } from './tls/shown.ts';
import { joinWriterSeat } from './writer-seat.ts';
import type { ConfigProblem, ConfigView, Keyring } from '@postrider/config-view';
import type { Clock, RandomBytes } from '@postrider/core';
import type { KafkaPort } from '@postrider/kafka';
import type { Logger, Metrics } from '@postrider/runtime';
import type { ApiKey } from './api-key.ts';
import type { TopicsConfig } from './bootstrap.ts';
import type { ServiceContext } from './call.ts';
import type { ConfigWriter } from './config-writer.ts';
import type { JudgeEndpointUrl } from './validate-endpoint.ts';
import type { ControlPlaneEvents } from './events.ts';
import type { Leadership, Term } from './leadership.ts';
import type { StaleKeys } from './stale-keys.ts';
import type { JwtSettings } from './jwt/jwt-env.ts';
import type { WrittenEndpoint } from './verifier.ts';
import type { ApiTls } from './tls/tls-env.ts';

/** A call draws five times: to ask the system each time would be nearly a tenth of what a creation costs. */
const systemRandom = separateRandom(randomBytes);

/** `config`: the resources, and leading; `ingest`: the publishing of events, which needs no leader. */
export type ControlPlaneRole = 'config' | 'ingest';

/** Everything that the control plane can be told. */
export interface ControlPlaneConfig extends TopicsConfig, PolicySwitches {
  /** Where the published source addresses are served over HTTP, at the host of the API; 0 lets the system choose. */
  readonly wellKnownPort: number;
  /** What this replica serves. */
  readonly roles: ReadonlySet<ControlPlaneRole>;
  /** Full name of the topic that events are published to; the default source topic when absent. */
  readonly publishTopic?: string;
  /** Largest body of an event, in bytes. */
  readonly bodyBytesMax: number;
  /** Takes no changes, and does not lead. */
  readonly readOnly: boolean;
  /** A loss of configuration up to this revision is known to the operator. */
  readonly acceptConfigLoss?: string;
  /** Unique per process: the Kafka client id by which others see who the writer is. */
  readonly processId: string;
  /** `address`: where the other replicas reach it, with or without a port; empty: at the host. */
  readonly grpc: { readonly host: string; readonly port: number; readonly address: string };
  /** Subscriptions may name described event types only. */
  readonly eventTypesRequired: boolean;
  /** How its listener is protected; absent: it is not. */
  readonly tls?: ApiTls;
  /** Whose tokens are believed; absent: nobody's. */
  readonly jwt?: JwtSettings;
  /** Whether the API describes itself to tools. */
  readonly reflection: boolean;
  /** How long the group waits for a silent leader before another takes its place. */
  readonly sessionTimeoutMs: number;
  /** The key-encryption keys. */
  readonly keys: Keyring;
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
  /** The port of `/.well-known/`. */
  readonly wellKnownPort: number;
  readonly view: ConfigView;
  /** Whether this replica takes changes, passes them on, or refuses them, and why; for health and people. */
  role(): string;
  /** Rejects when this process cannot lead for a reason that time does not mend. Never resolves. */
  readonly ended: Promise<never>;
  /** The longest a clean stop may take, ms: calls that go on, the seat that is left, and what of it waits for Kafka. */
  readonly stopWithinMs: number;
}

/**
 * Starts one of any number of replicas of the gRPC API over the `config` topic: one leads and writes it, the others answer
 * reads and pass everything else on. While Kafka does not answer it waits and says so. Rejects with one sentence when the
 * topics are not fit, or the port is taken.
 */
export async function startControlPlane(
  config: ControlPlaneConfig,
  deps: ControlPlaneDeps,
  signal: AbortSignal,
): Promise<ControlPlane> {
  assertLimits();
  const { kafka, clock, log, random = systemRandom } = deps;
  const { processId, topicPrefix } = config;
  const topic = topicName(topicPrefix, 'config');
  const events = createEvents(log, deps.metrics);
  const stale = createStaleKeys();
  await using stack = new AsyncDisposableStack();
  await ensureFirstTopics(config, { admin: kafka.admin, clock, log, signal });
  const view = stack.use(
    await startConfigView({ kafka, topic, log, clock, signal, onProblem: problemOf(events, stale) }),
  );
  assertKeysKnown(config.keys, view.snapshot());
  const dataKeys = stack.use(createDataKeys({ keyring: config.keys, clock, onTrouble: events.keyTrouble }));
  stack.use(watchCertificates({ view, clock, events }));
  const { ages: secretAges } = stack.use(watchSecrets({ view, clock, metrics: deps.metrics, keyring: config.keys }));
  const policy = stack.use(watchPolicy(config, { clock, unusable: events.policyUnusable }));
  policy.onChange(events.policyChanged);
  const tls = config.tls === undefined ? null : stack.use(await watchTls({ tls: config.tls, clock, events }));
  const showing = createShowing({
    ...{ shared: config.keys.shared, clock, random },
    clockApart: events.replicaClockApart,
  });
  const channelTo = createReplicaChannels(config.tls, () => tls?.current() ?? null);
  const forward = stack.use(createForwardCall({ processId, clock, showing, channelTo }));
  let leadership: Leadership = neverLeads;
  const routing = createCallRouting({
    ...{ view, forward, processId, readOnly: config.readOnly, clock },
    leadership: { leads: () => leadership.leads(), readOnlyBecause: () => leadership.readOnlyBecause() },
  });
  const writer: Pick<ConfigWriter, 'change'> = {
    change: (actor, plan, origin) => leadership.change(actor, plan, origin),
  };
  const verifier = { written: (endpoint: WrittenEndpoint) => leadership.written(endpoint) };
  const publishing = config.roles.has('ingest')
    ? stack.use(startPublishing({ ...publishingOptions(config, deps), events }))
    : null;
  const tokens = await believedTokens(config.jwt, { clock, events }, stack);
  const authenticate = createAuthenticate({ view, clock, noteKeyUse: createKeyUse(writer, clock, log), ...tokens });
  const context = {
    ...serviceContext(config, deps, view, policy),
    ...{ writer, verifier, routing, showing, authenticate, dataKeys, secretAges, publishing },
  };
  const { reflection, roles } = config;
  const listening = { ...config.grpc, reflection, roles, ...(tls === null ? {} : { tls }) };
  const server = stack.use(await startApiServer({ ...listening, context, events, forward, clock }));
  const wellKnown = stack.use(await startWellKnown(config, context));
  if (!config.readOnly && roles.has('config')) {
    const address = reachableAddress(config.grpc, server.port);
    const parts = { config, topic, address, kafka, view, stale, dataKeys, events, clock, random, log, signal };
    leadership = await openLeadership(parts, deps, stack);
    await orAborted(leadership.settled, signal);
  }
  log.info({ host: config.grpc.host, port: server.port, revision: view.snapshot().revision }, 'the gRPC API is served');
  const owned = stack.move();
  const role = (): string => roleOf(config, leadership);
  const { port: wellKnownPort } = wellKnown;
  return {
    ...{ port: server.port, wellKnownPort, view, role, ended: leadership.ended },
    stopWithinMs: serverLimits.stopGraceMs + serverLimits.leaveWithinMs,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function openLeadership(
  parts: Omit<TermOptions, 'seat' | 'mark'> & { config: ControlPlaneConfig; events: ControlPlaneEvents },
  deps: ControlPlaneDeps,
  stack: AsyncDisposableStack,
): Promise<Leadership> {
  const { config, topic, kafka, view, events, clock, log, signal } = parts;
  const seat = stack.use(await joinWriterSeat(seatOptions(config, deps, topic, signal)));
  const { topicPrefix } = config;
  const mark = createConfigMark({ admin: kafka.admin, view, topicPrefix, seat, ...acceptedLoss(config) });
  const begin = (): Promise<Term> => beginTerm({ ...parts, seat, mark });
  return stack.use(startLeadership({ seat, begin, clock, log, events }));
}

/** What is told to anybody, over plain HTTP. */
function startWellKnown(
  { grpc, wellKnownPort }: ControlPlaneConfig,
  { view, pools, clock }: Pick<ServiceContext, 'view' | 'pools' | 'clock'>,
): ReturnType<typeof startPage> {
  return startPage({
    ...{ host: grpc.host, port: wellKnownPort, portVariable: 'POSTRIDER_WELL_KNOWN_PORT' },
    ...{ path: EGRESS_PATH, document: createEgressDocument({ view, pools, clock }), limits: wellKnownLimits },
  });
}

async function believedTokens(
  settings: JwtSettings | undefined,
  { clock, events }: { readonly clock: Clock; readonly events: ControlPlaneEvents },
  stack: AsyncDisposableStack,
): Promise<{ readonly verifyJwt?: VerifyJwt }> {
  if (settings === undefined) return {};
  const source = stack.use(await openKeySource({ keys: settings.keys, clock, events }));
  return { verifyJwt: createVerifyJwt({ settings, source, clock }) };
}

function problemOf(events: ControlPlaneEvents, stale: StaleKeys) {
  return (problem: ConfigProblem): void => {
    events.configProblem(problem);
    if (problem.code === 'stale_writer') stale.add(problem.key);
  };
}

function acceptedLoss({ acceptConfigLoss }: ControlPlaneConfig): { readonly acceptLossTo?: string } {
  return acceptConfigLoss === undefined ? {} : { acceptLossTo: acceptConfigLoss };
}

function publishingOptions({ topicPrefix, publishTopic, bodyBytesMax }: ControlPlaneConfig, deps: ControlPlaneDeps) {
  return { ...deps, bodyBytesMax, topic: publishTopic ?? topicName(topicPrefix, 'events') };
}

function roleOf({ readOnly, roles }: ControlPlaneConfig, leadership: Leadership): string {
  if (!roles.has('config')) return 'ingest';
  const because = readOnly ? 'POSTRIDER_READ_ONLY' : leadership.readOnlyBecause();
  if (because !== null) return `read-only: ${because}`;
  return leadership.leads() ? 'leader' : 'follower';
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

function serviceContext(
  config: ControlPlaneConfig,
  { kafka, clock, random = systemRandom }: ControlPlaneDeps,
  view: ConfigView,
  policy: LivePolicy,
) {
  const { keys, topicPrefix, eventTypesRequired } = config;
  const owners = createOwners({ kafka, view, topicPrefix, clock, ask: createAskDispatcher(keys.shared, clock) });
  const judge: JudgeEndpointUrl = (url) => {
    const verdict = judgeUrl(url, policy.current());
    return verdict.verdict === 'allow' ? null : { reason: verdict.reason, detail: verdict.detail };
  };
  // Tokens must outlive a restart, be worth the same at every replica, and nothing elsewhere.
  const [tokenKey, ...olderKeys] = keys.shared.map(({ key }) =>
    createHmac('sha256', key).update('postrider page tokens').digest(),
  );
  if (tokenKey === undefined) throw new PostriderError('internal', 'there is no key to make page tokens by');
  const pools = new Set([DEFAULT_POOL, ...(config.pools?.keys() ?? [])]);
  const pageTokens = createPageTokens(tokenKey, ...olderKeys);
  return {
    view,
    reach: 'all' as const,
    owners,
    findEnding: createFindEnding({ kafka, topicPrefix }),
    paging: createPaging(pageTokens),
    pageTokens,
    audit: createAuditLog({ kafka, topicPrefix, clock }),
    untilOperationDone: createOperationWaits(clock),
    keyring: keys,
    judgeUrl: judge,
    pools,
    eventTypesRequired,
    sources: declaredSources(config.pools),
    clock,
    random,
  };
}
