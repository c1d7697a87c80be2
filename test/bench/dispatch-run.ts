import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { limits, parseKek } from '@postrider/core';
import { topicName, type KafkaPort, type TopicId } from '@postrider/kafka';
import { freePort, uniqueName } from '../support/resources.ts';
import { writeBenchConfig } from './bench-config.ts';
import { createBenchTopics, recordsOn } from './bench-topics.ts';
import { startDispatcherProcess, type DispatcherProcess } from './dispatcher-process.ts';
import { readDoneDeliveries, type DoneDeliveries } from './ownership-progress.ts';
import { preloadDeliveries } from './preload.ts';
import { cpuMicroseconds } from './proc-stat.ts';
import { runProblems } from './run-problems.ts';
import { readTierRecords, type TierRecords } from './tier-records.ts';
import type { DispatchOptions } from './options.ts';
import type { Sink } from './sink.ts';

/** P: as standalone has it. */
const PARTITIONS = 12;

/** What one dispatch run counted. */
export interface DispatchRun {
  readonly kind: 'dispatch';
  /** In the measured time: attempts acknowledged by Kafka, requests that the sink read, and what they cost. */
  readonly attempts: number;
  readonly sinkRequests: number;
  readonly cpuUs: number;
  readonly wallUs: number;
  /** CPU of the broker; null when it is not ours. */
  readonly brokerCpuUs: number | null;
  readonly sinkCpuUs: number;
  /** Records on `ownership`, nearly all of them progress. */
  readonly progressRecords: number;
  /** Connections at the sink at the end of the measured time. */
  readonly connections: number;
  /** Mean of the requests in flight, asked every second: near the bound when nothing but CPU limits the rate. */
  readonly inFlightMean: number;
  /** From the dispatcher's start to its clean end. */
  readonly whole: WholeRun;
  /** Monotonic microseconds between which was measured; what a CPU profile counts in too. */
  readonly from: number;
  readonly to: number;
}

/** What stands on the topics after a clean end, and what the sink saw. */
export interface WholeRun {
  readonly partitions: number;
  readonly attempts: number;
  readonly sinkRequests: number;
  readonly done: DoneDeliveries;
  readonly preloadedByPartition: readonly number[];
  /** Rows and tombstones, by what they are: hardly any, as every request succeeds. */
  readonly tierRecords: TierRecords;
  readonly deadLetters: number;
}

export interface DispatchRunOptions extends DispatchOptions {
  readonly kafka: KafkaPort;
  readonly bootstrapServers: readonly string[];
  readonly brokerPid: number | undefined;
  readonly sink: Sink;
  /** More deliveries per second than the dispatcher can possibly make. */
  readonly rateBound: number;
  /** For logs and profiles. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

/**
 * One dispatcher process over topics of its own. Deliveries are written once it owns all partitions: of deliveries that
 * are older than its claim it would also write tombstones into the tiers, which is the cost of a takeover and not of
 * delivering. Rejects unless every count agrees with every other.
 */
export async function runDispatch(options: DispatchRunOptions): Promise<DispatchRun> {
  const { kafka, sink, say } = options;
  const prefix = `${uniqueName('bench')}.`;
  const topic = (id: TopicId) => topicName(prefix, id);
  const kekText = randomBytes(32).toString('hex');
  await createBenchTopics(kafka, prefix, PARTITIONS);
  const endpoints = await writeBenchConfig({
    ...{ kafka, topic: topic('config'), kek: parseKek(kekText), partitions: PARTITIONS },
    ...{ endpoints: options.endpoints, sinkPort: sink.port },
  });
  const sinkBefore = (await sink.counts()).requests;
  await using dispatcher = await startProcess(options, prefix, kekText);
  await dispatcher.serving(PARTITIONS);
  const warmUpSeconds = Math.min(10, Math.max(2, options.seconds / 4));
  const preloaded = await preload(options, topic, endpoints, warmUpSeconds + options.seconds);
  say(`  ${preloaded.reduce((a, b) => a + b, 0)} deliveries written; warming up, then measuring ${options.seconds} s`);
  await dispatcher.during(warmUpSeconds * 1_000);
  const before = await snapshot(options, dispatcher, topic);
  const inFlightMean = await meanInFlight(dispatcher, options.seconds);
  const after = await snapshot(options, dispatcher, topic);
  await dispatcher.stop();
  const run: DispatchRun = {
    ...difference(before, after),
    connections: after.connections,
    inFlightMean,
    whole: {
      partitions: PARTITIONS,
      attempts: await recordsOn(kafka, topic('attempts')),
      sinkRequests: (await sink.counts()).requests - sinkBefore,
      done: await readDoneDeliveries(kafka, topic('ownership'), PARTITIONS),
      preloadedByPartition: preloaded,
      tierRecords: await readTierRecords(kafka, topic),
      deadLetters: await recordsOn(kafka, topic('dead-letters')),
    },
  };
  const problems = runProblems(run, options);
  if (problems.length > 0) throw new Error(`the run does not count:\n  ${problems.join('\n  ')}`);
  return run;
}

/** Waits that long. */
async function meanInFlight(dispatcher: DispatcherProcess, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1_000;
  let sum = 0;
  let asked = 0;
  for (let left = seconds * 1_000; left > 0; left = until - performance.now()) {
    await dispatcher.during(Math.min(1_000, left));
    sum += await dispatcher.inFlight();
    asked += 1;
  }
  return Math.round((sum / asked) * 10) / 10;
}

async function startProcess(options: DispatchRunOptions, prefix: string, kek: string): Promise<DispatcherProcess> {
  const env = {
    POSTRIDER_KAFKA_BROKERS: options.bootstrapServers.join(','),
    POSTRIDER_TOPIC_PREFIX: prefix,
    POSTRIDER_KEK: kek,
    POSTRIDER_ALLOW_HTTP: 'true',
    POSTRIDER_ALLOW_LOOPBACK: 'true',
    POSTRIDER_IN_FLIGHT_MAX: String(options.inFlight),
    POSTRIDER_LOG_LEVEL: options.logLevel,
  };
  const logFile = join(options.directory, `${prefix}log`);
  const profileDir = options.profile ? options.directory : null;
  return startDispatcherProcess({ env, healthPort: await freePort(), logFile, profileDir });
}

/** Writes until what is not delivered yet lasts for the given time; gives what was written to each partition. */
async function preload(
  options: DispatchRunOptions,
  topic: (id: TopicId) => string,
  endpoints: Awaited<ReturnType<typeof writeBenchConfig>>,
  seconds: number,
): Promise<readonly number[]> {
  const { kafka, bodyBytes, rateBound } = options;
  // Each partition must last, and endpoints are not spread evenly over them.
  const wanted = Math.ceil(rateBound * seconds) + PARTITIONS * limits.offsetRangeMax;
  const topicPrefix = topic('events').slice(0, -'events'.length);
  const byPartition = Array.from({ length: PARTITIONS }, () => 0);
  let written = 0;
  let events = 0;
  for (let missing = wanted; missing > wanted / 20;) {
    const more = await preloadDeliveries({
      ...{ kafka, topicPrefix, partitions: PARTITIONS, endpoints, bodyBytes },
      ...{ count: missing, firstEvent: events },
    });
    events += more.events;
    written += more.deliveries;
    more.byPartition.forEach((count, partition) => (byPartition[partition]! += count));
    missing = wanted - (written - (await recordsOn(kafka, topic('attempts'))));
  }
  return byPartition;
}

interface Snapshot {
  readonly attempts: number;
  readonly ownershipRecords: number;
  readonly sinkRequests: number;
  readonly sinkCpuUs: number;
  readonly connections: number;
  readonly cpuUs: number;
  readonly brokerCpuUs: number | null;
  readonly at: number;
}

async function snapshot(
  { kafka, sink, brokerPid }: DispatchRunOptions,
  dispatcher: DispatcherProcess,
  topic: (id: TopicId) => string,
): Promise<Snapshot> {
  const ownershipRecords = await recordsOn(kafka, topic('ownership'));
  // These three as close together as can be: the attempts are what is divided by.
  const attempts = await recordsOn(kafka, topic('attempts'));
  const at = Number(process.hrtime.bigint()) / 1_000;
  const cpuUs = await cpuMicroseconds(dispatcher.pid);
  const counts = await sink.counts();
  return {
    ...{ attempts, at, cpuUs, ownershipRecords },
    sinkRequests: counts.requests,
    sinkCpuUs: counts.cpuUs,
    connections: counts.connections,
    brokerCpuUs: brokerPid === undefined ? null : await cpuMicroseconds(brokerPid),
  };
}

function difference(before: Snapshot, after: Snapshot) {
  const broker = before.brokerCpuUs === null || after.brokerCpuUs === null;
  return {
    kind: 'dispatch' as const,
    attempts: after.attempts - before.attempts,
    sinkRequests: after.sinkRequests - before.sinkRequests,
    cpuUs: after.cpuUs - before.cpuUs,
    wallUs: after.at - before.at,
    brokerCpuUs: broker ? null : (after.brokerCpuUs ?? 0) - (before.brokerCpuUs ?? 0),
    sinkCpuUs: after.sinkCpuUs - before.sinkCpuUs,
    progressRecords: after.ownershipRecords - before.ownershipRecords,
    from: before.at,
    to: after.at,
  };
}
