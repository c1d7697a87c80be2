import { orAborted } from '@postrider/config-view';
import { startControlPlane } from '@postrider/control-plane';
import { readControlPlaneConfig } from '@postrider/control-plane/config';
import { startDispatcher, type Dispatcher } from '@postrider/dispatcher';
import { readDispatcherConfig } from '@postrider/dispatcher/config';
import { connectKafka } from '@postrider/kafka';
import { startRouter } from '@postrider/router';
import { readRouterConfig } from '@postrider/router/config';
import { systemClock, type Env, type KafkaSettings } from '@postrider/runtime';
import type { LogFiles } from './log-files.ts';
import type { Screen } from './screen.ts';

export interface ServicesOptions {
  readonly kafka: KafkaSettings;
  readonly topicPrefix: string;
  readonly partitions: number;
  readonly poolsFile: string | undefined;
  readonly replicationFactor: number;
  readonly grpcPort: number;
  readonly kek: string;
  readonly adminKey: string;
  /** Folder for what may vanish. */
  readonly scratch: string;
  readonly logs: LogFiles;
  readonly screen: Screen;
}

/** The services of one installation, in this process. */
export interface Services extends AsyncDisposable {
  readonly grpcPort: number;
  /** Rejects when one of them cannot go on. Never resolves. */
  readonly ended: Promise<never>;
  /** The longest a clean stop may take, ms. */
  readonly stopWithinMs: number;
}

/** After a kill the next run waits this long for the place of the last one: short, since nobody else works here. */
const sessionTimeout = '10s';

/** What an endpoint may be here and nowhere else; the screen says so. */
export const openedForLaptop = { POSTRIDER_ALLOW_HTTP: 'true', POSTRIDER_ALLOW_LOOPBACK: 'true' } as const;

/** Starts the services one after the other; each has its own connection to Kafka and its own log file. */
export async function startServices(options: ServicesOptions, signal: AbortSignal): Promise<Services> {
  const { screen, logs } = options;
  const env = commonEnv(options);
  await using stack = new AsyncDisposableStack();
  const depsOf = (name: string, { processId }: { readonly processId: string }) => {
    const log = logs.logger(name);
    const kafka = stack.use(connectKafka({ ...options.kafka, clientId: processId, clock: systemClock, logger: log }));
    return { kafka, clock: systemClock, log };
  };

  const plane = await screen.step('control plane', async () => {
    const { service } = readControlPlaneConfig({ ...env, ...controlPlaneEnv(options) });
    return stack.use(await startControlPlane(service, depsOf('control-plane', service), signal));
  });
  await screen.step('router', async () => {
    const { service } = readRouterConfig(env);
    stack.use(await startRouter(service, depsOf('router', service), signal));
  });
  const dispatcher = await screen.step('dispatcher', async () => {
    const { service } = readDispatcherConfig({
      ...{ ...env, ...openedForLaptop, ...poolsEnv(options), POSTRIDER_KEK: options.kek },
      POSTRIDER_STORE_DIR: options.scratch,
    });
    const started = stack.use(await startDispatcher(service, depsOf('dispatcher', service), signal));
    await whenServing(started, signal);
    return started;
  });
  const owned = stack.move();
  return {
    grpcPort: plane.port,
    ended: plane.ended,
    stopWithinMs: plane.stopWithinMs + dispatcher.stopWithinMs,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const askEveryMs = 20;

/** Resolves when the dispatcher serves every partition that it was given. */
async function whenServing(dispatcher: Dispatcher, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { detail } = dispatcher.ready();
    if (Object.keys(detail ?? {}).join() === 'serving') return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = systemClock.after(askEveryMs, resolve);
    await orAborted(promise, signal).finally(cancel);
  }
}

function commonEnv({ kafka, topicPrefix }: ServicesOptions): Env {
  return {
    // Only to satisfy the reader: the connection itself, with its TLS and SASL, is made here.
    POSTRIDER_KAFKA_BROKERS: kafka.brokers.join(','),
    POSTRIDER_TOPIC_PREFIX: topicPrefix,
    POSTRIDER_SESSION_TIMEOUT: sessionTimeout,
  };
}

/** Control plane and dispatcher must know the same pools. */
function poolsEnv({ poolsFile }: ServicesOptions): Env {
  return poolsFile === undefined ? {} : { POSTRIDER_EGRESS_POOLS_FILE: poolsFile };
}

function controlPlaneEnv(options: ServicesOptions): Env {
  return {
    ...openedForLaptop,
    ...poolsEnv(options),
    POSTRIDER_PARTITIONS: String(options.partitions),
    POSTRIDER_REPLICATION_FACTOR: String(options.replicationFactor),
    POSTRIDER_GRPC_HOST: '127.0.0.1',
    POSTRIDER_GRPC_PORT: String(options.grpcPort),
    POSTRIDER_GRPC_REFLECTION: 'true',
    POSTRIDER_WELL_KNOWN_PORT: '0',
    POSTRIDER_KEK: options.kek,
    POSTRIDER_BOOTSTRAP_ADMIN_KEY: options.adminKey,
  };
}
