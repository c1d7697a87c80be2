import type { ConnectionOptions } from 'node:tls';
import type { Clock } from '@postrider/core';

/** How to prove who we are. */
export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'oauthbearer';
      /** Asked for a token for each connection, and again before it expires. */
      readonly oauthBearerProvider: () => Promise<{ readonly value: string }>;
    };

/** What the adapter logs with; pino's shape. Without one it is silent. */
export interface KafkaLogger {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Where the cluster is and how to talk to it. */
export interface KafkaConnection {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** TLS: `true` for the system's authorities; `ca`, `cert` and `key` for own ones and for mutual TLS. */
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: KafkaSasl;
  readonly logger?: KafkaLogger;
}

export interface KafkaOptions extends KafkaConnection {
  /** How brokers and quotas call this process. */
  readonly clientId: string;
  readonly clock: Clock;
  /**
   * Told with each acknowledged write: when a broker stored it, by that broker's clock (ms since the Unix epoch), and how
   * long before now it was sent at the earliest (ms). Of topics whose times are set by producers it is not called.
   */
  readonly onBrokerTime?: (storedAt: number, sentAgoMs: number) => void;
}
