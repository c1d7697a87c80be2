import { hostname } from 'node:os';
import { randomBytes } from 'node:crypto';
import { readKeyring } from '@postrider/config-view';
import { limits, Secret } from '@postrider/core';
import { createPolicy, parsePools, readPolicy } from '@postrider/egress';
import { TOPIC_PREFIX_DEFAULT } from '@postrider/kafka';
import {
  awsEnv,
  awsKms,
  boolean,
  bytes,
  combined,
  duration,
  fileContent,
  integer,
  kafkaEnv,
  kafkaSettings,
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

const spec = {
  kafka: kafkaEnv,
  process: processEnv({
    topicPrefix: TOPIC_PREFIX_DEFAULT,
    healthPort: 8081,
    sessionTimeout: { default: serverLimits.writerSessionMs, min: 6_000, max: limits.sessionTimeoutMaxMs },
  }),
  /** P of the first layout; later the layout on `config` decides. */
  partitions: integer('POSTRIDER_PARTITIONS', { default: 12, min: 1, max: limits.slots }),
  replicationFactor: integer('POSTRIDER_REPLICATION_FACTOR', { default: 1, min: 1, max: 32 }),
  createTopics: boolean('POSTRIDER_CREATE_TOPICS', { default: true }),
  /** How long entries of the audit are kept. */
  auditRetentionMs: duration('POSTRIDER_AUDIT_RETENTION', {
    default: limits.auditRetentionMs,
    min: limits.auditRetentionMinMs,
  }),
  /** `config`: the resources, and leading; `ingest`: the publishing of events. A replica of the second alone never leads. */
  roles: parsed(list('POSTRIDER_ROLES', { default: ['config', 'ingest'] }), readRoles),
  /** Topic that events are published to: one that routers read. */
  publishTopic: text('POSTRIDER_PUBLISH_TOPIC', { optional: true }),
  bodyBytesMax: bytes('POSTRIDER_BODY_BYTES_MAX', {
    default: limits.bodyBytesDefault,
    min: 1_024,
    max: limits.bodyBytesMax,
  }),
  grpcHost: text('POSTRIDER_GRPC_HOST', { default: '127.0.0.1' }),
  grpcPort: port('POSTRIDER_GRPC_PORT', { default: 8080 }),
  /** Where the other replicas reach that; by default the host, or this machine's name where that stands for all addresses. */
  grpcAddress: reachableAddressEnv('POSTRIDER_GRPC_ADDRESS'),
  /** Where `/.well-known/postrider/egress.json` is served, on the host of the API. */
  wellKnownPort: port('POSTRIDER_WELL_KNOWN_PORT', { default: 8085 }),
  tls: tlsEnv,
  jwt: jwtEnv,
  /** Takes no changes, and does not lead. */
  readOnly: boolean('POSTRIDER_READ_ONLY', { default: false }),
  /** Revision up to which a loss of configuration is known: the log of a control plane that takes no changes tells it. */
  acceptConfigLoss: text('POSTRIDER_ACCEPT_CONFIG_LOSS', {
    optional: true,
    pattern: /^(?:0|[1-9][0-9]{0,19})$/,
    hint: 'the revision that the log tells',
  }),
  reflection: boolean('POSTRIDER_GRPC_REFLECTION', { default: false }),
  /** New subscriptions may name event types that are described, and no others. Patterns are free. */
  eventTypesRequired: boolean('POSTRIDER_EVENT_TYPES_REQUIRED', { default: false }),
  /** Key-encryption keys, the primary first: docs/operations/secrets.md. */
  keys: combined(
    { kek: secret('POSTRIDER_KEK'), callKey: secret('POSTRIDER_CALL_KEY', { optional: true }), ...awsEnv },
    (values) => readKeyring(values, awsKms(values, { clock: systemClock, timeoutMs: limits.kmsTimeoutMs })),
  ),
  bootstrapAdminKey: parsed(secret('POSTRIDER_BOOTSTRAP_ADMIN_KEY', { optional: true }), (value) =>
    value === undefined ? undefined : parseApiKey(new Secret(value.reveal())),
  ),
  allowHttp: boolean('POSTRIDER_ALLOW_HTTP', { default: false }),
  allowLoopback: boolean('POSTRIDER_ALLOW_LOOPBACK', { default: false }),
  allowCidrs: parsed(list('POSTRIDER_ALLOW_CIDRS', { default: [] }), (allowCidrs) => {
    createPolicy({ allowCidrs });
    return allowCidrs;
  }),
  /** JSON, pool by name: docs/egress.md. The same as the dispatchers'; of what is secret in it nothing is read here. */
  pools: parsed(fileContent('POSTRIDER_EGRESS_POOLS_FILE', { optional: true }), (file) =>
    file === undefined ? undefined : parsePools(file.toString('utf8'), () => ''),
  ),
  policyFile: parsed(text('POSTRIDER_EGRESS_POLICY_FILE', { optional: true }), (policyFile) => {
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
  const read = readEnv(env, spec);
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
