import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { limits } from '@postrider/core';
import { TOPIC_PREFIX_DEFAULT } from '@postrider/kafka';
import {
  bytes,
  integer,
  kafkaEnv,
  kafkaSettings,
  list,
  processEnv,
  processSettings,
  readEnv,
  text,
  type Env,
  type KafkaSettings,
  type ProcessSettings,
} from '@postrider/runtime';

/** Everything that a router can be told. */
export interface RouterConfig {
  /** Unique per process: the Kafka client id. */
  readonly processId: string;
  readonly topicPrefix: string;
  /** Full names of the topics that events are read from; the default source topic when absent. */
  readonly sourceTopics?: readonly string[] | undefined;
  /** Event type of raw JSON records that name none. */
  readonly defaultEventType?: string | undefined;
  readonly bodyBytesMax: number;
  readonly sessionTimeoutMs: number;
  /** Bounds of what is read and not routed yet, and again of what is written and not acknowledged yet. */
  readonly outstandingMax: number;
  readonly outstandingBytesMax: number;
}

/** What the process needs besides the router itself. */
export interface RouterProcessConfig extends ProcessSettings {
  readonly service: RouterConfig;
  readonly kafka: KafkaSettings;
}

/** Every setting of the process. */
export const routerEnv = {
  kafka: kafkaEnv,
  process: processEnv({
    topicPrefix: TOPIC_PREFIX_DEFAULT,
    healthPort: 8082,
    sessionTimeout: {
      default: limits.sessionTimeoutMs,
      min: 3 * limits.heartbeatEveryMs,
      max: limits.routerSessionTimeoutMaxMs,
    },
  }),
  sourceTopics: list('POSTRIDER_SOURCE_TOPICS', {
    optional: true,
    defaultShown: '`events` under the prefix',
    says: 'Full names of the topics that events are read from.',
  }),
  defaultEventType: text('POSTRIDER_DEFAULT_EVENT_TYPE', {
    optional: true,
    says: 'Event type of raw JSON records that name none.',
  }),
  bodyBytesMax: bytes('POSTRIDER_BODY_BYTES_MAX', {
    says: 'Largest body of an event; one that is larger goes to the quarantine.',
    default: limits.bodyBytesDefault,
    min: 1_024,
    max: limits.bodyBytesMax,
  }),
  outstandingMax: integer('POSTRIDER_ROUTER_OUTSTANDING_MAX', {
    default: 10_000,
    min: 10,
    max: 1_000_000,
    says: 'Records that are read and not routed yet at most, and again that are written and not acknowledged yet.',
  }),
  outstandingBytesMax: bytes('POSTRIDER_ROUTER_OUTSTANDING_BYTES_MAX', {
    says: 'The bytes of these at most.',
    default: limits.routerOutstandingBytesDefault,
    min: limits.bodyBytesMax,
  }),
};

/** Reads the environment; throws `EnvError` with every problem in it. */
export function readRouterConfig(env: Env = process.env): RouterProcessConfig {
  const { kafka, process: own, ...service } = readEnv(env, routerEnv);
  return Object.freeze({
    service: {
      processId: `router-${hostname()}-${randomBytes(4).toString('hex')}`,
      topicPrefix: own.topicPrefix,
      sessionTimeoutMs: own.sessionTimeoutMs,
      ...service,
    },
    kafka: kafkaSettings(kafka),
    ...processSettings(own),
  });
}
