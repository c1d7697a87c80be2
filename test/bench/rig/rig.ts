import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseKek } from '@postrider/core';
import { topicName, type TopicId } from '@postrider/kafka';
import { freePort, uniqueName } from '../../support/resources.ts';
import { writeBenchConfig, type BenchEndpoint, type EndpointPlan } from '../bench-config.ts';
import { startBenchProcess, type BenchProcess } from '../bench-process.ts';
import { createBenchTopics } from '../bench-topics.ts';
import { startDispatcherProcess, type DispatcherProcess } from '../dispatcher-process.ts';
import { startTimedSink, type TimedSink } from './timed-sink.ts';
import type { Stage } from './stage.ts';

/** P: as standalone has it. */
export const PARTITIONS = 12;

export interface RigOptions {
  readonly endpoints: number;
  readonly planOf?: (index: number, sinkPort: number) => EndpointPlan;
  readonly partitions?: number;
  readonly dispatchers?: number;
  /** Whether there is a router: then events are written, else deliveries. */
  readonly router?: boolean;
  /** What dispatchers are told besides. */
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
  /** What is done when endpoints are there, before a dispatcher is. */
  readonly before?: (
    rig: Omit<Rig, 'dispatchers' | 'router' | 'addDispatcher' | keyof AsyncDisposable>,
  ) => Promise<void>;
}

/** What a load can be run over. */
export interface LoadTarget {
  readonly stage: Stage;
  /** What it is given. */
  readonly writes: 'deliveries' | 'events';
  readonly topicPrefix: string;
  readonly partitions: number;
  readonly endpoints: readonly BenchEndpoint[];
  readonly sink: TimedSink;
  /** Those that send requests, and who is before them. */
  readonly dispatchers: readonly { readonly pid: number }[];
  readonly router: { readonly pid: number } | null;
}

/** An installation of its own, each service a process of its own, and its endpoints. */
export interface Rig extends LoadTarget, AsyncDisposable {
  readonly dispatchers: DispatcherProcess[];
  readonly router: BenchProcess | null;
  /** The key-encryption key, as processes are told it. */
  readonly kek: string;
  topic(id: TopicId): string;
  /** Starts one more, over the store of none before it; it may serve later. */
  addDispatcher(): Promise<DispatcherProcess>;
}

/** Starts it and waits until every partition is served. */
export async function startRig(stage: Stage, options: RigOptions): Promise<Rig> {
  const { partitions = PARTITIONS, planOf } = options;
  await using stack = new AsyncDisposableStack();
  const topicPrefix = `${uniqueName('bench')}.`;
  const topic = (id: TopicId) => topicName(topicPrefix, id);
  const kek = randomBytes(32).toString('hex');
  await createBenchTopics(stage.port, topicPrefix, partitions);
  const sink = stack.use(await startTimedSink());
  const endpoints = await writeBenchConfig({
    ...{ kafka: stage.port, topic: topic('config'), kek: parseKek(kek), partitions },
    ...{ endpoints: options.endpoints, sinkPort: sink.port },
    ...(planOf !== undefined && { planOf: (index: number) => planOf(index, sink.port) }),
  });
  const writes = options.router === true ? ('events' as const) : ('deliveries' as const);
  const common = { stage, topicPrefix, partitions, endpoints, sink, topic, writes, kek };
  await options.before?.(common);
  let started = 0;
  const env = { POSTRIDER_KAFKA_BROKERS: stage.bootstrapServers.join(','), POSTRIDER_TOPIC_PREFIX: topicPrefix };
  const logFile = (name: string) => join(stage.directory, `${topicPrefix}${name}.log`);
  const addDispatcher = async (): Promise<DispatcherProcess> => {
    const name = `dispatcher-${(started += 1)}`;
    return startDispatcherProcess({
      env: {
        ...{ ...env, POSTRIDER_KEK: kek, POSTRIDER_POD_NAME: name },
        ...{ POSTRIDER_ALLOW_HTTP: 'true', POSTRIDER_ALLOW_LOOPBACK: 'true' },
        POSTRIDER_STORE_DIR: join(stage.directory, `${topicPrefix}${name}`),
        ...options.env,
      },
      ...{ healthPort: await freePort(), logFile: logFile(name), profileDir: null },
      ...(options.nodeFlags !== undefined && { nodeFlags: options.nodeFlags }),
    });
  };
  const dispatchers: DispatcherProcess[] = [];
  for (let count = 0; count < (options.dispatchers ?? 1); count += 1)
    dispatchers.push(stack.use(await addDispatcher()));
  const router = options.router === true ? stack.use(await startRouter({ env, logFile: logFile('router') })) : null;
  const [first] = dispatchers;
  const served = async () => (await Promise.all(dispatchers.map((one) => one.served()))).reduce((a, b) => a + b, 0);
  await first?.until(`and its like to serve ${partitions} partitions`, async () => (await served()) === partitions);
  const owned = stack.move();
  return {
    ...{ ...common, dispatchers, router },
    async addDispatcher() {
      const added = owned.use(await addDispatcher());
      dispatchers.push(added);
      return added;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startRouter({ env, logFile }: { readonly env: Record<string, string>; readonly logFile: string }) {
  const router = await startBenchProcess({
    ...{ service: 'router', env, logFile, profileDir: null },
    healthPort: await freePort(),
  });
  await router.until('to be ready', async () => (await router.readiness())?.ok === true);
  return router;
}
