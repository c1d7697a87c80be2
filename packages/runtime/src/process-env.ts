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
    }),
    /** After so long without a heartbeat a group gives the process's place to others. The broker's `group.min.session.timeout.ms` is the least. */
    sessionTimeoutMs: duration('POSTRIDER_SESSION_TIMEOUT', sessionTimeout),
    healthHost: text('POSTRIDER_HEALTH_HOST', { default: '127.0.0.1' }),
    healthPort: port('POSTRIDER_HEALTH_PORT', { default: healthPort }),
    logLevel: oneOf('POSTRIDER_LOG_LEVEL', logLevels, { default: 'info' }),
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
