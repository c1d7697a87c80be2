import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runJava, startJava } from './broker-process.ts';
import type { JavaEnd, JavaProcess } from './broker-process.ts';
import { diagnose } from './diagnosis.ts';
import { LocalKafkaError } from './local-kafka-error.ts';
import type { Problem } from './local-kafka-error.ts';
import { host, serverProperties } from './server-properties.ts';
import type { NodePlan } from './server-properties.ts';
import { probe } from './wire-probe.ts';

/** One broker of a local Kafka. */
export interface Broker {
  readonly nodeId: number;
  /** `host:port` for clients. */
  readonly address: string;
  /** The process id of its Java; undefined while it does not run. */
  readonly pid: number | undefined;
  /** Sends a signal. Of one that ends the broker (SIGKILL, SIGTERM) resolves when it has ended. Its data stays. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the broker cleanly (SIGTERM). Its data stays. */
  stop(): Promise<void>;
  /** Starts it again on its data and its port; resolves when it serves. Harmless when it runs. */
  start(signal?: AbortSignal): Promise<void>;
  /** Lets this process end while the broker runs; the broker then ends with it. */
  unref(): void;
}

/** A broker that ended although nobody asked it to. */
export interface UnexpectedExit {
  readonly broker: Broker;
  readonly problem: Problem;
  /** The last lines of its output. */
  readonly lines: readonly string[];
}

/** What a broker is made of. */
export interface BrokerPlan {
  readonly node: NodePlan;
  readonly nodes: readonly NodePlan[];
  readonly directory: string;
  readonly jarsDir: string;
  readonly heapMiB: number;
  readonly fullyCompiled: boolean;
  readonly readyTimeoutMs: number;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly onUnexpectedExit: (exit: UnexpectedExit) => void;
}

/** Names every local cluster: an id of its own would have to be remembered beside the data, and nothing reads it. */
const clusterId = Buffer.from('postrider/local1').toString('base64url');
const pollMs = 25;
const probeTimeoutMs = 2000;

/** A broker that is not started yet. Its directory is made and formatted at the first start. */
export function createBroker(plan: BrokerPlan): Broker {
  let java: JavaProcess | undefined;
  let askedToEnd = false;
  let reffed = true;

  const start = async (signal?: AbortSignal) => {
    if (java?.running() === true) return;
    const configPath = await prepare(plan, signal);
    askedToEnd = false;
    const started = startJava(kafkaCommand(plan, 'kafka.Kafka', [configPath]));
    java = started;
    if (!reffed) started.unref();
    const dies = started.ended.then((end) => {
      throw new LocalKafkaError([diagnose(end, end.lines, plan.directory)]);
    });
    // Whoever waits for readiness sees the end there; later ones are told to the listener.
    dies.catch(() => {});
    try {
      await Promise.race([untilReady(plan, started.running, signal), dies]);
    } catch (error) {
      started.signal('SIGKILL');
      await started.ended;
      throw error;
    }
    void started.ended.then(
      (end) => !askedToEnd && java === started && plan.onUnexpectedExit(toExit(broker, plan, end)),
    );
  };

  const broker: Broker = {
    nodeId: plan.node.nodeId,
    address: `${host}:${plan.node.brokerPort}`,
    get pid() {
      return java?.running() === true ? java.pid : undefined;
    },
    kill: async (signal = 'SIGKILL') => {
      const ends = signal === 'SIGKILL' || signal === 'SIGTERM';
      askedToEnd ||= ends;
      java?.signal(signal);
      if (ends) await java?.ended;
    },
    stop: async () => {
      askedToEnd = true;
      await java?.stop();
    },
    start,
    unref: () => {
      reffed = false;
      java?.unref();
    },
  };
  return broker;
}

function toExit(broker: Broker, plan: BrokerPlan, end: JavaEnd): UnexpectedExit {
  return { broker, problem: diagnose(end, end.lines, plan.directory), lines: end.lines };
}

function kafkaCommand(plan: BrokerPlan, mainClass: string, args: readonly string[]) {
  const { jarsDir, heapMiB, fullyCompiled } = plan;
  return { jarsDir, mainClass, args, heapMiB, fullyCompiled };
}

/** Writes the configuration, and formats the data directory if there is none; returns the path of the configuration. */
async function prepare(plan: BrokerPlan, signal?: AbortSignal): Promise<string> {
  await mkdir(plan.directory, { recursive: true });
  const logDir = join(plan.directory, 'data');
  const configPath = join(plan.directory, 'server.properties');
  const text = (dir: string) => serverProperties(plan.node, plan.nodes, dir, plan.properties);
  const formatted = await stat(logDir).catch(() => undefined);
  if (formatted === undefined) {
    // Formatted beside its place and renamed, so that an interrupted start leaves nothing half formatted behind.
    const unformatted = `${logDir}.new`;
    await rm(unformatted, { recursive: true, force: true });
    await writeFile(configPath, text(unformatted));
    const args = ['format', '--cluster-id', clusterId, '--config', configPath];
    const problem = await runJava(kafkaCommand(plan, 'kafka.tools.StorageTool', args), plan.directory, signal);
    throwIfAborted(signal);
    if (problem !== undefined) throw new LocalKafkaError([problem]);
    await rename(unformatted, logDir);
  }
  await writeFile(configPath, text(logDir));
  return configPath;
}

/** Waits until the broker itself says that it, and a controller, are in the cluster. Stays pending when it ends before. */
async function untilReady(plan: BrokerPlan, running: () => boolean, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + plan.readyTimeoutMs;
  while (performance.now() < deadline && running()) {
    throwIfAborted(signal);
    const answer = await probe(host, plan.node.brokerPort, probeTimeoutMs);
    if (answer !== undefined && answer.controllerId >= 0 && answer.brokerIds.includes(plan.node.nodeId)) return;
    await delay(pollMs);
  }
  // Why a broker has ended is told by who watches its process, as soon as its output is read.
  if (!running()) return new Promise(() => {});
  const message = `Kafka broker ${plan.node.nodeId} did not answer on ${host}:${plan.node.brokerPort} within ${plan.readyTimeoutMs / 1000} s.`;
  throw new LocalKafkaError([{ code: 'START_TIMED_OUT', message }]);
}

/** Rejects a start that its caller gave up. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new LocalKafkaError([{ code: 'ABORTED', message: 'The start of Kafka was interrupted.' }]);
}
