import { randomBytes } from 'node:crypto';
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
  /** Of dispatcher and router: how soon a killed one is missed. Default 6 s. */
  readonly sessionTimeoutMs?: number;
  readonly logLevel?: string;
  /** How the first dispatcher starts. */
  readonly dispatcher?: StartOptions;
}

/** Control plane, router and dispatcher as processes of their own, over topics of their own. None outlives this process. */
export interface Stack extends AsyncDisposable {
  readonly topicPrefix: string;
  readonly partitions: number;
  readonly controlPlane: ServiceProcess;
  readonly router: ServiceProcess;
  readonly dispatcher: ServiceProcess;
  /** The control plane's services, called with the admin key. */
  readonly rpc: Rpc;
  /** A connection of the test's own. */
  readonly kafka: KafkaPort;
  topic(id: TopicId): string;
  /** Everything that stands in a topic now, partition by partition in offset order, handed over as it is read. */
  topicRecords(id: TopicId, onRecord: (record: IncomingRecord) => void): Promise<void>;
}

const sessionTimeoutDefaultMs = 6_000;
/** The least that the control plane takes. */
const writerSessionMs = 6_000;

/** Starts a stack and waits until all three are ready. Endpoints may be plain http on loopback. */
export async function startStack(options: StackOptions): Promise<Stack> {
  await using stack = new AsyncDisposableStack();
  const topicPrefix = `${uniqueName('stack')}.`;
  const { partitions = 12 } = options;
  const [grpcPort, ...healthPorts] = (await choosePorts(4)) as [number, number, number, number];
  const adminKey = `prk_test_${randomBytes(16).toString('hex')}`;
  const { controlPlaneEnv, routerEnv, dispatcherEnv } = environments(options, {
    topicPrefix,
    partitions,
    grpcPort,
    healthPorts,
    adminKey,
  });
  const controlPlane = stack.use(startService('control-plane', controlPlaneEnv));
  const router = stack.use(startService('router', routerEnv));
  const dispatcher = stack.use(startService('dispatcher', dispatcherEnv, options.dispatcher));
  const brokers = options.kafka.bootstrapServers;
  const kafka = stack.use(connectKafka({ brokers, clientId: 'test', clock: systemClock }));
  const rpc = stack.use(openRpc({ server: `127.0.0.1:${grpcPort}`, apiKey: adminKey }));
  await Promise.all([controlPlane, router, dispatcher].map((service) => service.ready()));
  const topic = (id: TopicId) => topicName(topicPrefix, id);
  const owned = stack.move();
  return {
    ...{ topicPrefix, partitions, controlPlane, router, dispatcher, rpc, kafka, topic },
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

interface Given {
  readonly topicPrefix: string;
  readonly partitions: number;
  readonly grpcPort: number;
  readonly healthPorts: readonly number[];
  readonly adminKey: string;
}

/** Each service gets what it knows: an unknown variable keeps it from starting. */
function environments(options: StackOptions, given: Given) {
  const { kafka, sessionTimeoutMs = sessionTimeoutDefaultMs, logLevel = 'warn' } = options;
  const common = (index: number, sessionMs: number) => ({
    POSTRIDER_KAFKA_BROKERS: kafka.bootstrapServers.join(','),
    POSTRIDER_TOPIC_PREFIX: given.topicPrefix,
    POSTRIDER_HEALTH_PORT: String(given.healthPorts[index]),
    POSTRIDER_SESSION_TIMEOUT: `${sessionMs}ms`,
    POSTRIDER_LOG_LEVEL: logLevel,
  });
  const loopback = { POSTRIDER_ALLOW_HTTP: 'true', POSTRIDER_ALLOW_LOOPBACK: 'true' };
  const kek = { POSTRIDER_KEK: randomBytes(32).toString('hex') };
  return {
    controlPlaneEnv: {
      ...common(0, writerSessionMs),
      ...loopback,
      ...kek,
      POSTRIDER_PARTITIONS: String(given.partitions),
      POSTRIDER_GRPC_PORT: String(given.grpcPort),
      POSTRIDER_BOOTSTRAP_ADMIN_KEY: given.adminKey,
    },
    routerEnv: common(1, sessionTimeoutMs),
    dispatcherEnv: { ...common(2, sessionTimeoutMs), ...loopback, ...kek },
  };
}
