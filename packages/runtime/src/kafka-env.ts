import { EnvError, type EnvValues } from './env.ts';
import { boolean, fileContent, list, oneOf, secret, text } from './env-fields.ts';

/** The settings of the connection to Kafka, the same for every service; a group of a service's own spec. */
export const kafkaEnv = {
  /** `host:port`, at least one. */
  brokers: list('POSTRIDER_KAFKA_BROKERS'),
  /** TLS with the system's authorities, or with the ones given. */
  ssl: boolean('POSTRIDER_KAFKA_SSL', { default: false }),
  sslCa: fileContent('POSTRIDER_KAFKA_SSL_CA_FILE', { optional: true }),
  sslCert: fileContent('POSTRIDER_KAFKA_SSL_CERT_FILE', { optional: true }),
  sslKey: fileContent('POSTRIDER_KAFKA_SSL_KEY_FILE', { optional: true }),
  saslMechanism: oneOf('POSTRIDER_KAFKA_SASL_MECHANISM', ['plain', 'scram-sha-256', 'scram-sha-512'], {
    optional: true,
  }),
  saslUsername: text('POSTRIDER_KAFKA_SASL_USERNAME', { optional: true }),
  saslPassword: secret('POSTRIDER_KAFKA_SASL_PASSWORD', { optional: true }),
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

/** Puts the settings together. Throws `EnvError` naming every variable that another one needs or contradicts. */
export function kafkaSettings(values: EnvValues<typeof kafkaEnv>): KafkaSettings {
  const problems: string[] = [];
  const { saslMechanism: mechanism, saslUsername: username, saslPassword: password } = values;
  if (mechanism !== undefined && username === undefined)
    problems.push('POSTRIDER_KAFKA_SASL_USERNAME is missing; POSTRIDER_KAFKA_SASL_MECHANISM needs it');
  if (mechanism !== undefined && password === undefined)
    problems.push('POSTRIDER_KAFKA_SASL_PASSWORD is missing; POSTRIDER_KAFKA_SASL_MECHANISM needs it');
  if (mechanism === undefined && (username !== undefined || password !== undefined))
    problems.push('POSTRIDER_KAFKA_SASL_MECHANISM is missing; the SASL user name and password need it');
  const files = [values.sslCa, values.sslCert, values.sslKey];
  if (!values.ssl && files.some((file) => file !== undefined))
    problems.push('POSTRIDER_KAFKA_SSL is not true, but certificate files are given');
  if ((values.sslCert === undefined) !== (values.sslKey === undefined))
    problems.push('POSTRIDER_KAFKA_SSL_CERT_FILE and POSTRIDER_KAFKA_SSL_KEY_FILE must be given together');
  if (problems.length > 0) throw new EnvError(problems);
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
