import { relative } from 'node:path';
import type { Connection } from '@postrider/cli';
import { connectKafka } from '@postrider/kafka';
import { portIsFree } from '@postrider/local-kafka';
import { systemClock, type KafkaSettings, type Logger, type RunningService } from '@postrider/runtime';
import { startLocalCluster, waitForCluster } from './cluster.ts';
import type { StandaloneConfig } from './config.ts';
import { openDataDir, type DataDir } from './data-dir.ts';
import { openLogFiles } from './log-files.ts';
import { refusedKeyWords } from './refused-key.ts';
import { tellNextSteps, type NextSteps } from './next-steps.ts';
import { shownSeconds, type Screen } from './screen.ts';
import { startServices } from './services.ts';
import { tellStory } from './story/story.ts';

/**
 * Starts Kafka, unless one's own is used, and all services in this process; then tells the story. Resolves when that is
 * told; what is given back ends by itself only with `exitAfterStory`, or when something cannot go on.
 */
export async function startStandalone(
  config: StandaloneConfig,
  screen: Screen,
  signal: AbortSignal,
): Promise<RunningService> {
  await using stack = new AsyncDisposableStack();
  const data = stack.use(await openDataDir(config.dataDir, config.fresh));
  const logs = stack.use(openLogFiles(data.log, config.logLevel));
  const log = logs.logger('standalone');
  if (data.afterKill) screen.line('The last run was killed: what it held is free again after 10 s or less.');
  await checkGrpcPort(config.grpcPort);
  const cluster = stack.use(await openCluster(config, data, { screen, log, signal }));
  // Disposed of after the services: what they are sending while they stop still arrives.
  const keep = stack.use(new AsyncDisposableStack());
  const { topicPrefix, partitions, poolsFile, grpcPort } = config;
  const { kafka, replicationFactor } = cluster;
  const { kek, adminKey, scratch } = data;
  const installation = { kafka, topicPrefix, partitions, replicationFactor, poolsFile, grpcPort };
  const options = { ...installation, kek, adminKey, scratch, logs, screen };
  const services = stack.use(await startServices(options, signal));
  const server = `127.0.0.1:${services.grpcPort}`;
  const connection: Connection = { server, apiKey: adminKey, brokers: kafka.brokers, topicPrefix };
  await data.writeConnection(connection);

  screen.line(`${screen.paint('bold', 'Postrider is up')} ${screen.paint('dim', `(${shownSteps(screen)})`)}`);
  screen.line(`gRPC ${server}, Kafka ${kafka.brokers.join(', ')}, logs ${shownPath(data.log)}`);
  screen.line('Endpoints on this machine and http are allowed here, by configuration; elsewhere both are refused.');
  screen.line();
  await using watching = new AsyncDisposableStack();
  const story = watching.use(
    connectKafka({ ...kafka, clientId: `story-${process.pid}`, clock: systemClock, logger: log }),
  );
  const lost = Promise.race([cluster.ended, services.ended]);
  const telling = tellStory({ connection, kafka: story, screen, keep, clock: systemClock, signal });
  await Promise.race([telling, lost]).catch((error: unknown) => {
    signal.throwIfAborted();
    const words = refusedKeyWords(error, shownPath(config.dataDir));
    if (words !== undefined) throw new Error(words, { cause: error });
    throw new Error(`${(error as Error).message}; the logs in ${shownPath(data.log)} tell more`, { cause: error });
  });
  if (!config.exitAfterStory) tellNextSteps(screen, stepsOf(config));
  const owned = stack.move();
  return {
    stopWithinMs: services.stopWithinMs + kafkaStopMs,
    ended: config.exitAfterStory ? Promise.resolve() : lost,
    async [Symbol.asyncDispose]() {
      await screen.step('Stopping', () => owned.disposeAsync());
      screen.line('Stopped.');
    },
  };
}

function stepsOf({ dataDir, isDefaultDataDir, ownKafka }: StandaloneConfig): NextSteps {
  return { dataDir: shownPath(dataDir), isDefault: isDefaultDataDir, ownKafka: ownKafka !== undefined };
}

/** A Kafka with many partitions takes its time to close their files. */
const kafkaStopMs = 20_000;

/** Asked before anything slow begins; the control plane would say the same, but only when Kafka is up. */
async function checkGrpcPort(port: number): Promise<void> {
  if (port === 0 || (await portIsFree(port))) return;
  throw new Error(
    `port ${port} for the gRPC API is taken by another program; set POSTRIDER_GRPC_PORT to another (0 for any free one)`,
  );
}

interface Cluster extends AsyncDisposable {
  readonly kafka: KafkaSettings;
  readonly replicationFactor: number;
  readonly ended: Promise<never>;
}

async function openCluster(
  { ownKafka, kafkaPort }: StandaloneConfig,
  data: DataDir,
  { screen, log, signal }: { readonly screen: Screen; readonly log: Logger; readonly signal: AbortSignal },
): Promise<Cluster> {
  const clock = systemClock;
  if (ownKafka === undefined) {
    const local = await startLocalCluster({ dataDir: data.kafka, port: kafkaPort, screen, log, clock, signal });
    const { brokers, ended } = local;
    return {
      kafka: { brokers },
      replicationFactor: 1,
      ended,
      [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
    };
  }
  await using asking = connectKafka({ ...ownKafka, clientId: `standalone-${process.pid}`, clock, logger: log });
  const count = await waitForCluster(ownKafka.brokers, asking, { screen, clock, signal });
  // Never ends: what becomes of one's own cluster is not ours to judge, and the services wait for it.
  const { promise: ended } = Promise.withResolvers<never>();
  return { kafka: ownKafka, replicationFactor: count >= 3 ? 3 : 1, ended, [Symbol.asyncDispose]: async () => {} };
}

function shownSteps({ finished }: Screen): string {
  return finished.map(({ what, ms }) => `${what} ${shownSeconds(ms)}`).join(', ');
}

function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') || short === '' ? path : short;
}
