import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createBroker, throwIfAborted } from './broker.ts';
import type { Broker, UnexpectedExit } from './broker.ts';
import { ensureJars } from './jars.ts';
import { LocalKafkaError } from './local-kafka-error.ts';
import type { Problem } from './local-kafka-error.ts';
import { tryLock } from './pid-lock.mjs';
import { choosePorts } from './ports.ts';
import { preflight } from './preflight.ts';
import type { EdgePlan, NodePlan } from './server-properties.ts';
import { probe } from './wire-probe.ts';

/** How a local Kafka is to be started. */
export interface StartKafkaOptions {
  /** 1, or 3 with replication factor 3 and `min.insync.replicas` 2. */
  readonly brokers: 1 | 3;
  /** Where the data stays between runs; locked while in use. Without it: a temporary directory, removed in the end. */
  readonly dataDir?: string;
  /** One port per broker for clients; without it free ones are chosen. */
  readonly ports?: readonly number[];
  /** Further listeners, by node id: each for clients that come through a proxy. */
  readonly edges?: ReadonlyMap<number, readonly EdgePlan[]>;
  /** Broker properties over the defaults. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** Java heap of each broker, MiB. Default 256. */
  readonly heapMiB?: number;
  /** Requests cost what they cost in production, once warm; a start takes longer. Default false. */
  readonly fullyCompiled?: boolean;
  /** How long a broker may take to serve, ms. Default 60,000. */
  readonly readyTimeoutMs?: number;
  /** Is told each slow step in a sentence. */
  readonly log?: (line: string) => void;
  /** Is told when a broker ends that nobody stopped, with the reason. */
  readonly onUnexpectedExit?: (exit: UnexpectedExit) => void;
  /** Gives up the start. What was started is stopped, and the promise rejects (`ABORTED`). */
  readonly signal?: AbortSignal;
}

/** A running Kafka. Disposing stops it: kept data is closed cleanly, temporary data is removed. */
export interface LocalKafka extends AsyncDisposable {
  /** `host:port` of each broker. */
  readonly bootstrapServers: readonly string[];
  /** The brokers, by node id from 1; empty for a Kafka that is not ours to stop. */
  readonly brokers: readonly Broker[];
  /** Lets this process end without disposing; the brokers then end with it. */
  unref(): void;
}

/**
 * Starts Apache Kafka on loopback and resolves when every broker serves clients. The brokers cannot outlive this process,
 * even if it is killed. Rejects with a `LocalKafkaError` whose message is fit to be shown: everything that is missing at
 * once, or why a broker did not come up.
 */
export async function startKafka(options: StartKafkaOptions): Promise<LocalKafka> {
  const log = options.log ?? (() => {});
  if (options.ports !== undefined && options.ports.length !== options.brokers)
    throw new TypeError(`ports: ${options.ports.length} given for ${options.brokers} brokers`);
  await using undo = new AsyncDisposableStack();
  const dataDir = await openDataDir(options, undo, log);
  throwIfAborted(options.signal);
  throwIfAny(await preflight({ brokers: options.brokers, dataDir, ports: options.ports ?? [] }));
  const jarsDir = await ensureJars(log, options.signal);
  const nodes = await planNodes(options);
  const brokers = nodes.map((node) =>
    createBroker({
      node,
      nodes,
      directory: join(dataDir, `broker-${node.nodeId}`),
      jarsDir,
      heapMiB: options.heapMiB ?? 256,
      fullyCompiled: options.fullyCompiled ?? false,
      readyTimeoutMs: options.readyTimeoutMs ?? 60_000,
      properties: options.properties ?? {},
      onUnexpectedExit: options.onUnexpectedExit ?? (() => {}),
    }),
  );
  const kept = options.dataDir !== undefined;
  undo.defer(() => endAll(brokers, kept));
  log(options.brokers === 1 ? 'Starting Kafka' : `Starting ${options.brokers} Kafka brokers`);
  const started = performance.now();
  await startAll(brokers, options.signal);
  if (kept) await rememberPids(dataDir, brokers);
  log(`Kafka is ready on ${brokers.map((broker) => broker.address).join(', ')} after ${seconds(started)} s`);
  const ending = undo.move();
  return {
    bootstrapServers: brokers.map((broker) => broker.address),
    brokers,
    unref: () => unrefAll(brokers, kept ? undefined : dataDir),
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  };
}

const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1);

function throwIfAny(problems: readonly Problem[]): void {
  const [first, ...more] = problems;
  if (first !== undefined) throw new LocalKafkaError([first, ...more]);
}

/** Makes and locks the data directory, and undoes it in the end. */
async function openDataDir(
  options: StartKafkaOptions,
  undo: AsyncDisposableStack,
  log: (line: string) => void,
): Promise<string> {
  if (options.dataDir === undefined) {
    const temporary = await mkdtemp(join(tmpdir(), 'postrider-kafka-'));
    undo.defer(() => rm(temporary, { recursive: true, force: true, maxRetries: 5 }));
    return temporary;
  }
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  const lock = tryLock(join(dataDir, 'running'));
  if (!lock.locked) {
    const message = `Another Postrider is already running here (pid ${lock.pid}): it holds ${dataDir}. Stop it first.`;
    throw new LocalKafkaError([{ code: 'DATA_LOCKED', message }]);
  }
  undo.defer(() => lock.release());
  if (lock.tookOver) await waitForOldBrokers(dataDir, log);
  return dataDir;
}

const pidsFile = (dataDir: string) => join(dataDir, 'broker-pids');

async function rememberPids(dataDir: string, brokers: readonly Broker[]): Promise<void> {
  await writeFile(pidsFile(dataDir), brokers.map((broker) => broker.pid).join('\n'));
}

/** The brokers of a process that was killed end a moment after it; until then they hold the data and the ports. */
async function waitForOldBrokers(dataDir: string, log: (line: string) => void): Promise<void> {
  const text = await readFile(pidsFile(dataDir), 'utf8').catch(() => '');
  const deadline = performance.now() + 10_000;
  const running = async () => {
    for (const pid of text.split('\n').filter((line) => /^\d+$/.test(line)))
      if ((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(dataDir)) return true;
    return false;
  };
  if (!(await running())) return;
  log('Waiting for the Kafka of an earlier run to end');
  while (performance.now() < deadline && (await running())) await delay(50);
}

async function planNodes(options: StartKafkaOptions): Promise<NodePlan[]> {
  // Chosen before, and listened on only together with those that are chosen now.
  const edgePorts = [...(options.edges?.values() ?? [])].flat().map(({ port }) => port);
  const ports = await choosePorts(options.brokers * 2, new Set(edgePorts));
  return Array.from({ length: options.brokers }, (_, index) => ({
    nodeId: index + 1,
    brokerPort: options.ports?.[index] ?? (ports[index] as number),
    controllerPort: ports[options.brokers + index] as number,
    edges: options.edges?.get(index + 1) ?? [],
  }));
}

/** Starts all at once (a majority must be up before any is ready) and waits until each knows all others. */
async function startAll(brokers: readonly Broker[], signal?: AbortSignal): Promise<void> {
  await Promise.all(brokers.map((broker) => broker.start(signal)));
  for (const broker of brokers) {
    const [host, port] = broker.address.split(':') as [string, string];
    while (((await probe(host, Number(port), 2000))?.brokerIds.length ?? 0) < brokers.length) {
      throwIfAborted(signal);
      await delay(25);
    }
  }
}

/** Kept data is closed cleanly; of data that is thrown away nothing needs saving. */
async function endAll(brokers: readonly Broker[], clean: boolean): Promise<void> {
  await Promise.all(brokers.map((broker) => (clean ? broker.stop() : broker.kill('SIGKILL'))));
}

function unrefAll(brokers: readonly Broker[], temporary: string | undefined): void {
  for (const broker of brokers) broker.unref();
  process.on('exit', () => {
    for (const { pid } of brokers) if (pid !== undefined) process.kill(pid, 'SIGKILL');
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
  });
}
