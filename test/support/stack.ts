import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { openRpc, type Rpc } from '@postrider/cli';
import { connectKafka, topicName, type IncomingRecord, type KafkaPort, type TopicId } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { choosePorts, type LocalKafka } from '../../deploy/local/index.ts';
import { uniqueName } from './resources.ts';
import { startService, type ServiceProcess, type StartOptions } from './service-process.ts';

/** How a stack is to be started. */
export interface StackOptions {
  readonly kafka: Pick<LocalKafka, 'bootstrapServers'>;
  /** P. Default 12. */
  readonly partitions?: number;
  /** How many processes; 1 of each by default. */
  readonly routers?: number;
  readonly dispatchers?: number;
  /** Copies of every topic. Default 1. */
  readonly replicationFactor?: number;
  /** Where a process finds Kafka, by its name (`control-plane`, `router-1`, `dispatcher-2`); `kafka` by default. */
  readonly brokersOf?: (name: string) => readonly string[];
  /** What else a process is told, by its name. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  /** Of dispatcher and router: how soon a killed one is missed. Default 6 s. */
  readonly sessionTimeoutMs?: number;
  readonly logLevel?: string;
  /** The file that holds the key-encryption keys, which may be another's content at each start; a key of the stack's own by default. */
  readonly kekFile?: string;
  /** The file that holds the administrator's key; by default a key of the stack's own, which stands in the environment. */
  readonly adminKeyFile?: string;
  /** How the first dispatcher starts. */
  readonly dispatcher?: StartOptions;
  /** Called when all processes run, before it is waited until they are ready. */
  readonly whileStarting?: (services: readonly ServiceProcess[]) => Promise<void>;
}

/** Control plane, routers and dispatchers as processes of their own, over topics of their own. None outlives this process. */
export interface Stack extends AsyncDisposable {
  readonly topicPrefix: string;
  readonly partitions: number;
  readonly controlPlane: ServiceProcess;
  readonly routers: readonly ServiceProcess[];
  /** Those that were there from the beginning. */
  readonly dispatchers: readonly ServiceProcess[];
  /** The first of each. */
  readonly router: ServiceProcess;
  readonly dispatcher: ServiceProcess;
  /** Starts one more dispatcher, and resolves when it is ready. It ends with the stack, if not before. */
  addDispatcher(): Promise<ServiceProcess>;
  /** What it is called with. */
  readonly adminKey: string;
  /** The control plane's services, called with the admin key. */
  readonly rpc: Rpc;
  /** Where they listen, on loopback. */
  readonly grpcPort: number;
  /** A connection of the test's own. */
  readonly kafka: KafkaPort;
  topic(id: TopicId): string;
  /** Everything that stands in a topic now, partition by partition in offset order, handed over as it is read. */
  topicRecords(id: TopicId, onRecord: (record: IncomingRecord) => void): Promise<void>;
}

const sessionTimeoutDefaultMs = 6_000;
/** The least that the control plane takes. */
const writerSessionMs = 6_000;

/**
 * Starts a stack and waits until all are ready. Endpoints may be plain http on loopback. A dispatcher's name stands in the
 * `User-Agent` of its requests and in the owner's name on `ownership`.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  await using stack = new AsyncDisposableStack();
  const { partitions = 12, routers: routerCount = 1, dispatchers: dispatcherCount = 1 } = options;
  const given: Given = {
    ...{ topicPrefix: `${uniqueName('stack')}.`, partitions },
    ports: await choosePorts(2 + routerCount + dispatcherCount),
    ...adminKeyOf(options),
    kek:
      options.kekFile === undefined
        ? { POSTRIDER_KEK: randomBytes(32).toString('hex') }
        : { POSTRIDER_KEK_FILE: options.kekFile },
  };
  const { topicPrefix, adminKey } = given;
  const grpcPort = given.ports.shift() as number;
  const start = (service: string, name: string, env: Readonly<Record<string, string>>, first?: StartOptions) =>
    stack.use(
      startService(service, { ...common(options, given, name), ...env, ...options.envOf?.(name) }, first, name),
    );
  const controlPlane = start('control-plane', 'control-plane', controlPlaneEnv(options, given, grpcPort));
  const routers = named('router', routerCount).map((name) => start('router', name, {}));
  const dispatchers = named('dispatcher', dispatcherCount).map((name, index) =>
    start('dispatcher', name, dispatcherEnv(given, name), index === 0 ? options.dispatcher : undefined),
  );
  const brokers = options.kafka.bootstrapServers;
  const kafka = stack.use(connectKafka({ brokers, clientId: 'test', clock: systemClock }));
  const rpc = stack.use(openRpc({ server: `127.0.0.1:${grpcPort}`, apiKey: adminKey }));
  const services = [controlPlane, ...routers, ...dispatchers];
  await options.whileStarting?.(services);
  await Promise.all(services.map((service) => service.ready()));
  const topic = (id: TopicId) => topicName(topicPrefix, id);
  const owned = stack.move();
  let added = dispatcherCount;
  const addDispatcher = async (): Promise<ServiceProcess> => {
    added += 1;
    const name = `dispatcher-${added}`;
    given.ports.push(...(await choosePorts(1)));
    const env = { ...common(options, given, name), ...dispatcherEnv(given, name), ...options.envOf?.(name) };
    const dispatcher = owned.use(startService('dispatcher', env, options.dispatcher, name));
    await dispatcher.ready();
    return dispatcher;
  };
  return {
    ...{
      topicPrefix,
      partitions,
      controlPlane,
      routers,
      dispatchers,
      addDispatcher,
      adminKey,
      rpc,
      grpcPort,
      kafka,
      topic,
    },
    router: routers[0] as ServiceProcess,
    dispatcher: dispatchers[0] as ServiceProcess,
    async topicRecords(id, onRecord) {
      await using reader = await kafka.reader({
        topic: topic(id),
        onBatch: (batch) => batch.records.forEach(onRecord),
      });
      await reader.caughtUp;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const named = (service: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${service}-${index + 1}`);

function adminKeyOf({ adminKeyFile: file }: StackOptions): Pick<Given, 'adminKey' | 'adminKeyEnv'> {
  if (file !== undefined)
    return { adminKey: readFileSync(file, 'utf8').trim(), adminKeyEnv: { POSTRIDER_BOOTSTRAP_ADMIN_KEY_FILE: file } };
  const adminKey = `prk_test_${randomBytes(16).toString('hex')}`;
  return { adminKey, adminKeyEnv: { POSTRIDER_BOOTSTRAP_ADMIN_KEY: adminKey } };
}

interface Given {
  readonly topicPrefix: string;
  readonly partitions: number;
  /** Free ones; each is taken out when it is used. */
  readonly ports: number[];
  readonly adminKey: string;
  readonly adminKeyEnv: Readonly<Record<string, string>>;
  readonly kek: Readonly<Record<string, string>>;
}

const loopback = { POSTRIDER_ALLOW_HTTP: 'true', POSTRIDER_ALLOW_LOOPBACK: 'true' };

/** Each service gets what it knows: an unknown variable keeps it from starting. */
function common(options: StackOptions, given: Given, name: string): Record<string, string> {
  const { kafka, sessionTimeoutMs = sessionTimeoutDefaultMs, logLevel = 'warn', brokersOf } = options;
  const sessionMs = name === 'control-plane' ? Math.max(sessionTimeoutMs, writerSessionMs) : sessionTimeoutMs;
  return {
    POSTRIDER_KAFKA_BROKERS: (brokersOf?.(name) ?? kafka.bootstrapServers).join(','),
    POSTRIDER_TOPIC_PREFIX: given.topicPrefix,
    POSTRIDER_HEALTH_PORT: String(given.ports.shift()),
    POSTRIDER_SESSION_TIMEOUT: `${sessionMs}ms`,
    POSTRIDER_LOG_LEVEL: logLevel,
  };
}

function controlPlaneEnv({ replicationFactor = 1 }: StackOptions, given: Given, grpcPort: number) {
  return {
    ...loopback,
    ...given.kek,
    POSTRIDER_PARTITIONS: String(given.partitions),
    POSTRIDER_REPLICATION_FACTOR: String(replicationFactor),
    POSTRIDER_GRPC_PORT: String(grpcPort),
    POSTRIDER_WELL_KNOWN_PORT: '0',
    ...given.adminKeyEnv,
  };
}

function dispatcherEnv({ kek }: Given, name: string) {
  return {
    ...loopback,
    ...kek,
    POSTRIDER_POD_NAME: name,
    POSTRIDER_CONTACT_URL: `https://pods.test/${name}`,
  };
}
