import { hostname } from 'node:os';
import { randomBytes } from 'node:crypto';
import { limits, parseKek, Secret } from '@postrider/core';
import { createPolicy } from '@postrider/egress';
import { TOPIC_PREFIX_DEFAULT } from '@postrider/kafka';
import {
  boolean,
  duration,
  integer,
  kafkaEnv,
  kafkaSettings,
  list,
  logLevels,
  oneOf,
  parsed,
  port,
  readEnv,
  secret,
  text,
} from '@postrider/runtime';
import { parseApiKey } from './api-key.ts';
import type { Env, KafkaSettings, LogLevel } from '@postrider/runtime';
import type { ControlPlaneConfig } from './service.ts';

/** What the process needs besides the control plane itself. */
export interface ControlPlaneProcessConfig {
  readonly service: ControlPlaneConfig;
  readonly kafka: KafkaSettings;
  readonly health: { readonly host: string; readonly port: number };
  readonly logLevel: LogLevel;
}

const spec = {
  kafka: kafkaEnv,
  topicPrefix: text('POSTRIDER_TOPIC_PREFIX', {
    default: TOPIC_PREFIX_DEFAULT,
    pattern: /^[a-zA-Z0-9._-]{1,100}$/,
    hint: 'a prefix of 1–100 letters, digits, dots, _ and -',
  }),
  /** P of the first layout; later the layout on `config` decides. */
  partitions: integer('POSTRIDER_PARTITIONS', { default: 12, min: 1, max: limits.slots }),
  replicationFactor: integer('POSTRIDER_REPLICATION_FACTOR', { default: 1, min: 1, max: 32 }),
  createTopics: boolean('POSTRIDER_CREATE_TOPICS', { default: true }),
  grpcHost: text('POSTRIDER_GRPC_HOST', { default: '127.0.0.1' }),
  grpcPort: port('POSTRIDER_GRPC_PORT', { default: 8080 }),
  reflection: boolean('POSTRIDER_GRPC_REFLECTION', { default: false }),
  healthHost: text('POSTRIDER_HEALTH_HOST', { default: '127.0.0.1' }),
  healthPort: port('POSTRIDER_HEALTH_PORT', { default: 8081 }),
  logLevel: oneOf('POSTRIDER_LOG_LEVEL', logLevels, { default: 'info' }),
  /** 32 bytes as hexadecimal digits or base64: `openssl rand -hex 32`. */
  kek: parsed(secret('POSTRIDER_KEK'), (value) => parseKek(new Secret(value.reveal()))),
  bootstrapAdminKey: parsed(secret('POSTRIDER_BOOTSTRAP_ADMIN_KEY', { optional: true }), (value) =>
    value === undefined ? undefined : parseApiKey(new Secret(value.reveal())),
  ),
  /** A dead writer's place is free after this; the broker's `group.min.session.timeout.ms` is the least. */
  sessionTimeoutMs: duration('POSTRIDER_SESSION_TIMEOUT', { default: 30_000, min: 6_000, max: 300_000 }),
  allowHttp: boolean('POSTRIDER_ALLOW_HTTP', { default: false }),
  allowLoopback: boolean('POSTRIDER_ALLOW_LOOPBACK', { default: false }),
  allowCidrs: parsed(list('POSTRIDER_ALLOW_CIDRS', { default: [] }), (allowCidrs) => {
    createPolicy({ allowCidrs });
    return allowCidrs;
  }),
};

/** Reads the environment; throws `EnvError` with every problem in it. */
export function readControlPlaneConfig(env: Env = process.env): ControlPlaneProcessConfig {
  const read = readEnv(env, spec);
  const { topicPrefix, partitions, replicationFactor, createTopics, reflection, sessionTimeoutMs, kek } = read;
  const { allowHttp, allowLoopback, allowCidrs, bootstrapAdminKey } = read;
  return Object.freeze({
    service: {
      processId: `control-plane-${hostname()}-${randomBytes(4).toString('hex')}`,
      topicPrefix,
      partitions,
      replicationFactor,
      createTopics,
      grpc: { host: read.grpcHost, port: read.grpcPort },
      reflection,
      sessionTimeoutMs,
      kek,
      ...(bootstrapAdminKey === undefined ? {} : { bootstrapAdminKey }),
      allowHttp,
      allowLoopback,
      allowCidrs,
    },
    kafka: kafkaSettings(read.kafka),
    health: { host: read.healthHost, port: read.healthPort },
    logLevel: read.logLevel,
  });
}
