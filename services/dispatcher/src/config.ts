import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKeyring, type Keyring } from '@postrider/config-view';
import { limits } from '@postrider/core';
import {
  askNameServers,
  createPolicy,
  parsePools,
  readPolicy,
  type PolicySwitches,
  type PoolDefinitions,
} from '@postrider/egress';
import { TOPIC_PREFIX_DEFAULT } from '@postrider/kafka';
import { parseRedisUrl, type RedisTarget } from './redis-target.ts';
import type { QuestionsConfig } from './levers/owner-server.ts';
import {
  awsKms,
  combined,
  egressEnv,
  integer,
  kafkaEnv,
  kafkaSettings,
  keysEnv,
  list,
  oneOf,
  parsed,
  port,
  processEnv,
  processSettings,
  reachableAddressEnv,
  readEnv,
  secret,
  systemClock,
  text,
  type Env,
  type KafkaSettings,
  type ProcessSettings,
} from '@postrider/runtime';

/** Everything that a dispatcher can be told. */
export interface DispatcherConfig extends PolicySwitches {
  /** Unique per start of the process: the Kafka client id, by which others see who owns a partition. */
  readonly processId: string;
  readonly topicPrefix: string;
  /** The key-encryption keys. */
  readonly keys: Keyring;
  /** Name servers instead of the machine's: `address` or `address:port`. */
  readonly nameServers?: readonly string[];
  /** The egress pools that endpoints may name; absent: only `default`, the machine's own routes. */
  readonly pools?: PoolDefinitions;
  /** After this long without a heartbeat the group gives a process's partitions to others. */
  readonly sessionTimeoutMs: number;
  /** Where a receiver finds out who is calling; empty: not named. */
  readonly contactUrl: string;
  /** Folder for the bytes of waiting deliveries, which may vanish at any time; absent: they are held in memory. */
  readonly storeDir?: string;
  /** What they may take there; `limits.storeBytesDefault` when absent. */
  readonly storeBytesMax?: number;
  /** Requests in flight at most; `limits.podInFlightMax` when absent. */
  readonly inFlightMax?: number;
  /** Requests in flight to an endpoint that nothing is known of; `limits.laneConcurrencyStart` when absent. */
  readonly concurrencyStart?: number;
  /** Waiting deliveries at most; `limits.podRowsMax` when absent. */
  readonly rowsMax?: number;
  /** What processes share; absent: there is no done-filter, and each has its part of destinations' rates. */
  readonly redis?: RedisTarget;
  /** Starts a second at one destination, all tenants together; absent: any number. */
  readonly destinationRateMax?: number;
  /** What a destination is. */
  readonly destinationBy?: 'address' | 'domain';
  /** Where the control plane's questions are answered; absent: nowhere. */
  readonly questions?: QuestionsConfig;
}

/** What the process needs besides the dispatcher itself. */
export interface DispatcherProcessConfig extends ProcessSettings {
  readonly service: DispatcherConfig;
  readonly kafka: KafkaSettings;
}

/** Every setting of the process. */
export const dispatcherEnv = {
  kafka: kafkaEnv,
  process: processEnv({
    topicPrefix: TOPIC_PREFIX_DEFAULT,
    healthPort: 8083,
    sessionTimeout: {
      default: limits.sessionTimeoutMs,
      min: 3 * limits.heartbeatEveryMs,
      max: limits.sessionTimeoutMaxMs,
    },
  }),
  keys: combined(keysEnv, (values) =>
    readKeyring(values, awsKms(values, { clock: systemClock, timeoutMs: limits.kmsTimeoutMs })),
  ),
  allowHttp: egressEnv.allowHttp,
  allowLoopback: egressEnv.allowLoopback,
  allowCidrs: parsed(egressEnv.allowCidrs, (allowCidrs) => {
    createPolicy({ allowCidrs });
    return allowCidrs;
  }),
  policyFile: parsed(egressEnv.policyFile, (policyFile) => {
    if (policyFile !== undefined) readPolicy({ allowHttp: false, allowLoopback: false, allowCidrs: [], policyFile });
    return policyFile;
  }),
  nameServers: parsed(
    list('POSTRIDER_NAME_SERVERS', {
      default: [],
      defaultShown: "the machine's",
      says: 'Name servers that are asked for the addresses of endpoints: `address` or `address:port`.',
    }),
    (nameServers) => {
      if (nameServers.length > 0) askNameServers(limits.connectTimeoutMs, nameServers);
      return nameServers;
    },
  ),
  /** Files that it names are read here too. */
  pools: parsed(egressEnv.pools, (file) =>
    file === undefined ? undefined : parsePools(file.toString('utf8'), (path) => readFileSync(path, 'utf8')),
  ),
  redis: parsed(
    secret('POSTRIDER_REDIS_URL', {
      optional: true,
      says: "`redis://` or, with TLS, `rediss://`: what dispatchers share, so that less is sent twice after a crash. Authorities that are not Node's: `NODE_EXTRA_CA_CERTS`.",
    }),
    (url) => (url === undefined ? undefined : parseRedisUrl(url.reveal())),
  ),
  destinationRateMax: integer('POSTRIDER_DESTINATION_RATE_MAX', {
    says: 'Requests a second to one destination, of all tenants together; 0 for any number: [good citizen](../good-citizen.md).',
    default: 0,
    min: 0,
    max: limits.destinationRateMax,
  }),
  destinationBy: oneOf('POSTRIDER_DESTINATION_BY', ['address', 'domain'], {
    default: 'domain',
    says: 'What a destination is.',
  }),
  podName: text('POSTRIDER_POD_NAME', {
    optional: true,
    pattern: /^[a-zA-Z0-9._-]{1,100}$/,
    hint: 'a name of letters, digits, dots, _ and -',
    defaultShown: "this machine's name",
    says: 'What the process is called in Kafka and in `postrider dispatcher list`.',
  }),
  /** It stands in a header: printable characters without spaces. */
  contactUrl: text('POSTRIDER_CONTACT_URL', {
    optional: true,
    pattern: /^https?:\/\/[!-~]{1,500}$/,
    hint: 'an http or https URL of at most 500 printable characters',
    says: 'A page that tells receivers who is calling and whom to write to: in the user-agent of every request.',
  }),
  storeDir: text('POSTRIDER_STORE_DIR', {
    default: join(tmpdir(), 'postrider'),
    hint: 'path of a folder',
    defaultShown: "`postrider` in the system's temporary folder",
    says: 'Scratch disk for deliveries that wait. It may vanish; what an earlier process left is removed.',
  }),
  storeBytesMax: integer('POSTRIDER_STORE_BYTES_MAX', {
    says: 'Bytes that these may take there; a partition that finds no room is not served here until there is.',
    default: limits.storeBytesDefault,
    min: limits.storeMemoryBytesMax,
    max: Number.MAX_SAFE_INTEGER,
  }),
  inFlightMax: integer('POSTRIDER_IN_FLIGHT_MAX', {
    says: 'Requests in flight at most, for machines that are to spend less on them.',
    default: limits.podInFlightMax,
    min: 1,
    max: limits.podInFlightMax,
  }),
  concurrencyStart: integer('POSTRIDER_CONCURRENCY_START', {
    says: 'Requests in flight to an endpoint at first and after a pause; it grows with what the endpoint takes.',
    default: limits.laneConcurrencyStart,
    min: 1,
    max: limits.laneConcurrencyMax,
  }),
  questionsHost: text('POSTRIDER_QUESTIONS_HOST', {
    default: '127.0.0.1',
    says: 'Address on which the control plane asks what becomes of deliveries.',
  }),
  questionsPort: port('POSTRIDER_QUESTIONS_PORT', { default: 0, says: 'Port of that; 0 for any free one.' }),
  questionsAddress: reachableAddressEnv('POSTRIDER_QUESTIONS_ADDRESS', {
    defaultShown: "the host, or this machine's name where that stands for all addresses",
    says: 'Where the control plane reaches that.',
  }),
  rowsMax: integer('POSTRIDER_ROWS_MAX', {
    default: limits.podRowsMax,
    min: 1_000,
    max: 20_000_000,
    says: 'Waiting deliveries at most, for machines that have more or less memory: about 100 bytes each.',
  }),
};

/** Reads the environment; throws `EnvError` with every problem in it. */
export function readDispatcherConfig(env: Env = process.env): DispatcherProcessConfig {
  const {
    kafka,
    process: own,
    podName,
    contactUrl,
    redis,
    policyFile,
    nameServers,
    pools,
    destinationRateMax,
    questionsHost,
    questionsPort,
    questionsAddress,
    ...service
  } = readEnv(env, dispatcherEnv);
  return Object.freeze({
    service: {
      processId: `dispatcher-${podName ?? hostname()}-${randomBytes(4).toString('hex')}`,
      contactUrl: contactUrl ?? '',
      ...(redis === undefined ? {} : { redis }),
      ...(destinationRateMax === 0 ? {} : { destinationRateMax }),
      ...(policyFile === undefined ? {} : { policyFile }),
      ...(nameServers.length === 0 ? {} : { nameServers }),
      ...(pools === undefined ? {} : { pools }),
      questions: { host: questionsHost, port: questionsPort, address: questionsAddress ?? '' },
      topicPrefix: own.topicPrefix,
      sessionTimeoutMs: own.sessionTimeoutMs,
      ...service,
    },
    kafka: kafkaSettings(kafka),
    ...processSettings(own),
  });
}
