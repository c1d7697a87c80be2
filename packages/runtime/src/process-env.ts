import type { EnvValues } from './env.ts';
import { duration, oneOf, port, text } from './env-fields.ts';
import { logLevels, type LogLevel } from './log.ts';

/** What differs from service to service. */
export interface ProcessDefaults {
  readonly topicPrefix: string;
  readonly healthPort: number;
  /** Milliseconds. */
  readonly sessionTimeout: { readonly default: number; readonly min: number; readonly max: number };
}

/** The settings that every service has, with its own defaults; a group of a service's own spec. */
export function processEnv({ topicPrefix, healthPort, sessionTimeout }: ProcessDefaults) {
  return {
    topicPrefix: text('POSTRIDER_TOPIC_PREFIX', {
      default: topicPrefix,
      pattern: /^[a-zA-Z0-9._-]{1,100}$/,
      hint: 'a prefix of 1–100 letters, digits, dots, _ and -',
      says: 'What the names of all topics and consumer groups of the installation begin with, the separator included.',
    }),
    sessionTimeoutMs: duration('POSTRIDER_SESSION_TIMEOUT', {
      ...sessionTimeout,
      says: "After so long without a heartbeat Kafka gives the process's place to others. It must lie within the brokers' `group.min.session.timeout.ms` and `group.max.session.timeout.ms`.",
    }),
    healthHost: text('POSTRIDER_HEALTH_HOST', {
      default: '127.0.0.1',
      says: 'Address that `/livez`, `/readyz` and `/metrics` are served on.',
    }),
    healthPort: port('POSTRIDER_HEALTH_PORT', {
      default: healthPort,
      says: 'Port of health and metrics; 0 for any free one.',
    }),
    logLevel: oneOf('POSTRIDER_LOG_LEVEL', logLevels, {
      default: 'info',
      says: 'The least that is written to the log, JSON lines on standard output.',
    }),
  };
}

/** Where a process answers for its health, and how much it tells. */
export interface ProcessSettings {
  readonly health: { readonly host: string; readonly port: number };
  readonly logLevel: LogLevel;
}

/** The part of the settings that `main.ts` uses. */
export function processSettings(values: EnvValues<ReturnType<typeof processEnv>>): ProcessSettings {
  return { health: { host: values.healthHost, port: values.healthPort }, logLevel: values.logLevel };
}
