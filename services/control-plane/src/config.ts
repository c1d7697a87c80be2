import { hostname } from 'node:os';
import { randomBytes } from 'node:crypto';
import { readKeyring } from '@postrider/config-view';
import { limits, Secret } from '@postrider/core';
import { createPolicy, parsePools, readPolicy } from '@postrider/egress';
import { TOPIC_PREFIX_DEFAULT } from '@postrider/kafka';
import {
  awsKms,
  boolean,
  bytes,
  combined,
  duration,
  egressEnv,
  integer,
  kafkaEnv,
  kafkaSettings,
  keysEnv,
  list,
  parsed,
  port,
  processEnv,
  processSettings,
  reachableAddressEnv,
  readEnv,
  secret,
  systemClock,
  text,
} from '@postrider/runtime';
import { parseApiKey } from './api-key.ts';
import { serverLimits } from './server-limits.ts';
import { jwtEnv, jwtSettings } from './jwt/jwt-env.ts';
import { apiTls, tlsEnv } from './tls/tls-env.ts';
import type { Env, KafkaSettings, ProcessSettings } from '@postrider/runtime';
import type { ControlPlaneConfig, ControlPlaneRole } from './service.ts';

/** What the process needs besides the control plane itself. */
export interface ControlPlaneProcessConfig extends ProcessSettings {
  readonly service: ControlPlaneConfig;
  readonly kafka: KafkaSettings;
}

/** Every setting of the process. */
export const controlPlaneEnv = {
  kafka: kafkaEnv,
  process: processEnv({
    topicPrefix: TOPIC_PREFIX_DEFAULT,
    healthPort: 8081,
    sessionTimeout: { default: serverLimits.writerSessionMs, min: 6_000, max: limits.sessionTimeoutMaxMs },
  }),
  partitions: integer('POSTRIDER_PARTITIONS', {
    default: 12,
    min: 1,
    max: limits.slots,
    says: 'Partitions of each topic that the work is divided by, when an installation is begun. The layout on the topic `config` decides from then on.',
  }),
  replicationFactor: integer('POSTRIDER_REPLICATION_FACTOR', {
    default: 1,
    min: 1,
    max: 32,
    says: 'Copies of each topic that is made; 3 for what must not be lost.',
  }),
  createTopics: boolean('POSTRIDER_CREATE_TOPICS', {
    default: true,
    says: 'Makes the topics that are missing. `false`: they are made by you, and checked only.',
  }),
  auditRetentionMs: duration('POSTRIDER_AUDIT_RETENTION', {
    says: 'How long entries of the audit are kept: what its topic is made with, and must keep at least.',
    default: limits.auditRetentionMs,
    min: limits.auditRetentionMinMs,
  }),
  roles: parsed(
    list('POSTRIDER_ROLES', {
      default: ['config', 'ingest'],
      says: '`config`: the resources, and leading; `ingest`: the [publishing](../api/publishing.md) of events; or both. A replica of the second alone never leads.',
    }),
    readRoles,
  ),
  publishTopic: text('POSTRIDER_PUBLISH_TOPIC', {
    optional: true,
    defaultShown: '`events` under the prefix',
    says: 'Topic that events are published to: one that routers read.',
  }),
  bodyBytesMax: bytes('POSTRIDER_BODY_BYTES_MAX', {
    says: 'Largest body of an event that is published, as the routers have it.',
    default: limits.bodyBytesDefault,
    min: 1_024,
    max: limits.bodyBytesMax,
  }),
  grpcHost: text('POSTRIDER_GRPC_HOST', {
    default: '127.0.0.1',
    says: 'Address that the API is served on. What others can reach needs TLS, or to be told that it speaks plaintext.',
  }),
  grpcPort: port('POSTRIDER_GRPC_PORT', { default: 8080, says: 'Port of the API; 0 for any free one.' }),
  grpcAddress: reachableAddressEnv('POSTRIDER_GRPC_ADDRESS', {
    defaultShown: "the host, or this machine's name where that stands for all addresses",
    says: 'Where the other replicas reach this one.',
  }),
  wellKnownPort: port('POSTRIDER_WELL_KNOWN_PORT', {
    default: 8085,
    says: 'Where `/.well-known/postrider/egress.json` is served, on the host of the API: [egress](../egress.md#announcing-changes).',
  }),
  tls: tlsEnv,
  jwt: jwtEnv,
  readOnly: boolean('POSTRIDER_READ_ONLY', { default: false, says: 'Takes no changes, and does not lead.' }),
  acceptConfigLoss: text('POSTRIDER_ACCEPT_CONFIG_LOSS', {
    optional: true,
    pattern: /^(?:0|[1-9][0-9]{0,19})$/,
    hint: 'the revision that the log tells',
    says: 'Goes on although revisions up to this one are lost: [when](../adr/0043-an-empty-topic-is-no-news.md).',
  }),
  reflection: boolean('POSTRIDER_GRPC_REFLECTION', {
    default: false,
    says: 'Tells tools such as grpcurl what the API can do.',
  }),
  eventTypesRequired: boolean('POSTRIDER_EVENT_TYPES_REQUIRED', {
    default: false,
    says: 'New subscriptions may name described [event types](../api/event-types.md) and no others; patterns are free.',
  }),
  keys: combined(keysEnv, (values) =>
    readKeyring(values, awsKms(values, { clock: systemClock, timeoutMs: limits.kmsTimeoutMs })),
  ),
  bootstrapAdminKey: parsed(
    secret('POSTRIDER_BOOTSTRAP_ADMIN_KEY', {
      optional: true,
      says: '[The first key](../api/access.md#the-first-key) of the API, `prk_<id>_<secret>`.',
    }),
    (value) => (value === undefined ? undefined : parseApiKey(new Secret(value.reveal()))),
  ),
  allowHttp: egressEnv.allowHttp,
  allowLoopback: egressEnv.allowLoopback,
  allowCidrs: parsed(egressEnv.allowCidrs, (allowCidrs) => {
    createPolicy({ allowCidrs });
    return allowCidrs;
  }),
  /** The same as the dispatchers'; of what is secret in it nothing is read here. */
  pools: parsed(egressEnv.pools, (file) =>
    file === undefined ? undefined : parsePools(file.toString('utf8'), () => ''),
  ),
  policyFile: parsed(egressEnv.policyFile, (policyFile) => {
    if (policyFile !== undefined) readPolicy({ allowHttp: false, allowLoopback: false, allowCidrs: [], policyFile });
    return policyFile;
  }),
};

const roleNames: readonly ControlPlaneRole[] = ['config', 'ingest'];

function readRoles(given: readonly string[]): ReadonlySet<ControlPlaneRole> {
  const roles = roleNames.filter((role) => given.includes(role));
  if (roles.length === given.length && roles.length > 0) return new Set(roles);
  throw new Error(`must name ${roleNames.join(' or ')}, or both, each once`);
}

/** Reads the environment; throws `EnvError` with every problem in it. */
export function readControlPlaneConfig(env: Env = process.env): ControlPlaneProcessConfig {
  const read = readEnv(env, controlPlaneEnv);
  const { topicPrefix, sessionTimeoutMs } = read.process;
  const { partitions, replicationFactor, createTopics, auditRetentionMs, reflection, keys, eventTypesRequired } = read;
  const { allowHttp, allowLoopback, allowCidrs, policyFile, pools, bootstrapAdminKey } = read;
  const tls = apiTls(read.tls);
  const jwt = jwtSettings(read.jwt);
  return Object.freeze({
    service: {
      processId: `control-plane-${hostname()}-${randomBytes(4).toString('hex')}`,
      topicPrefix,
      partitions,
      replicationFactor,
      createTopics,
      auditRetentionMs,
      grpc: { host: read.grpcHost, port: read.grpcPort, address: read.grpcAddress ?? '' },
      wellKnownPort: read.wellKnownPort,
      readOnly: read.readOnly,
      ...(read.acceptConfigLoss === undefined ? {} : { acceptConfigLoss: read.acceptConfigLoss }),
      ...(tls === undefined ? {} : { tls }),
      ...(jwt === undefined ? {} : { jwt }),
      reflection,
      eventTypesRequired,
      roles: read.roles,
      bodyBytesMax: read.bodyBytesMax,
      ...(read.publishTopic === undefined ? {} : { publishTopic: read.publishTopic }),
      sessionTimeoutMs,
      keys,
      ...(bootstrapAdminKey === undefined ? {} : { bootstrapAdminKey }),
      allowHttp,
      allowLoopback,
      allowCidrs,
      ...(policyFile === undefined ? {} : { policyFile }),
      ...(pools === undefined ? {} : { pools }),
    },
    kafka: kafkaSettings(read.kafka),
    ...processSettings(read.process),
  });
}
