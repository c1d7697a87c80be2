import type { Env, EnvField, EnvValues } from './env.ts';
import { boolean, fileContent, list, oneOf, secret, text } from './env-fields.ts';

/** The settings of the connection to Kafka, the same for every service; a group of a service's own spec. */
export const kafkaEnv = {
  brokers: list('POSTRIDER_KAFKA_BROKERS', {
    says: '`host:port` of some brokers; the others are found through them.',
  }),
  ssl: boolean('POSTRIDER_KAFKA_SSL', {
    default: false,
    says: 'TLS to the brokers; the next three go with it.',
  }),
  sslCa: fileContent('POSTRIDER_KAFKA_SSL_CA_FILE', {
    optional: true,
    defaultShown: 'those that Node believes',
    says: 'Authorities by which the brokers are believed, PEM.',
  }),
  sslCert: fileContent('POSTRIDER_KAFKA_SSL_CERT_FILE', {
    optional: true,
    says: 'The certificate that is shown to the brokers, PEM; with its key.',
  }),
  sslKey: fileContent('POSTRIDER_KAFKA_SSL_KEY_FILE', { optional: true, says: 'The key of that certificate, PEM.' }),
  saslMechanism: oneOf('POSTRIDER_KAFKA_SASL_MECHANISM', ['plain', 'scram-sha-256', 'scram-sha-512'], {
    optional: true,
    says: 'How the process logs in to the brokers; with user name and password.',
  }),
  saslUsername: text('POSTRIDER_KAFKA_SASL_USERNAME', { optional: true, says: 'The user name it logs in with.' }),
  saslPassword: secret('POSTRIDER_KAFKA_SASL_PASSWORD', { optional: true, says: 'The password it logs in with.' }),
  saslComplete: together([
    'POSTRIDER_KAFKA_SASL_MECHANISM',
    'POSTRIDER_KAFKA_SASL_USERNAME',
    'POSTRIDER_KAFKA_SASL_PASSWORD',
  ]),
  sslPairComplete: together(['POSTRIDER_KAFKA_SSL_CERT_FILE', 'POSTRIDER_KAFKA_SSL_KEY_FILE']),
  sslSwitchedOn: sslSwitchedOn(),
} as const;

/** How to reach Kafka, as `connectKafka` wants it. */
export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly ssl?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | true;
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
}

/** The settings as `connectKafka` wants them. */
export function kafkaSettings(values: EnvValues<typeof kafkaEnv>): KafkaSettings {
  const { saslMechanism: mechanism, saslUsername: username, saslPassword: password } = values;
  return {
    brokers: values.brokers,
    ...(values.ssl ? { ssl: sslOf(values) } : {}),
    ...(mechanism !== undefined && username !== undefined && password !== undefined
      ? { sasl: { mechanism, username, password: password.reveal() } }
      : {}),
  };
}

function sslOf({ sslCa: ca, sslCert: cert, sslKey: key }: EnvValues<typeof kafkaEnv>): KafkaSettings['ssl'] & {} {
  if (ca === undefined && cert === undefined) return true;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** No setting of its own: a problem when only some of these variables are set. */
function together(variables: readonly string[]): EnvField<null> {
  return {
    settings: [],
    read(env) {
      const set = variables.filter((name) => isSet(env, name));
      const missing = variables.find((name) => !isSet(env, name));
      if (set.length === 0 || missing === undefined) return { kind: 'value', value: null };
      return { kind: 'problem', variable: missing, detail: `is missing; ${set.join(' and ')} needs it` };
    },
  };
}

/** No setting of its own: a problem when certificates are given for a connection without TLS. */
function sslSwitchedOn(): EnvField<null> {
  const files = ['POSTRIDER_KAFKA_SSL_CA_FILE', 'POSTRIDER_KAFKA_SSL_CERT_FILE', 'POSTRIDER_KAFKA_SSL_KEY_FILE'];
  return {
    settings: [],
    read(env) {
      const given = files.filter((name) => isSet(env, name));
      if (given.length === 0 || env['POSTRIDER_KAFKA_SSL'] === 'true') return { kind: 'value', value: null };
      return {
        kind: 'problem',
        variable: 'POSTRIDER_KAFKA_SSL',
        detail: `is not true, but ${given.join(' and ')} is set`,
      };
    },
  };
}

function isSet(env: Env, name: string): boolean {
  return env[name] !== undefined || env[`${name}_FILE`] !== undefined;
}
