import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { TIERS, limits, parseKek, partitionOf, type Tier } from '@postrider/core';
import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { connectKafka, topicName, topicSpecs, type KafkaPort, type TopicId } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { startKafka } from '../support/kafka.ts';
import { tempDir, uniqueName } from '../support/resources.ts';
import { writeBenchConfig, type BenchEndpoint } from './bench-config.ts';
import { keepResults, load, machineFacts, median, round } from './machine.ts';
import { benchBody, preloadDeliveries } from './preload.ts';
import { writeLastOwner, writeRows } from './rows.ts';
import type { PlainOptions } from './plain-options.ts';
import type { TakeoverTold, TakeoverWork } from './takeover-process.ts';

/** P: as standalone has it. */
const PARTITIONS = 12;
const ENDPOINTS = 600;
/** Live deliveries that stand on each partition when it is taken over, as many to each endpoint. */
const LIVE_PER_ENDPOINT = 5;
/** Of the rows, as many parts in each tier: most of what waits waits long. */
const TIER_PARTS = { 'retry.1m': 1, 'retry.1h': 3, 'retry.14d': 6 } as const;
const ROWS_FROM_EVENT = 1_000_000;
const DUE_FROM_MS = 1_800_000;
const DUE_SPREAD_MS = 3_600_000;

interface Round extends TakeoverTold {
  /** Of this process, which does nothing meanwhile: what the measure and the machine add by themselves. */
  readonly idleLoopDelayP99Ms: number;
}

/**
 * One dispatcher process, started where every partition was released by its last owner and rows wait in the tiers. Its
 * requests end in the process itself; everything else is as it is in a cluster. Measured from the group's assignment on.
 */
export async function benchTakeover(options: PlainOptions<'takeover'>): Promise<void> {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const loadBefore = load();
  await using kafka = await startKafka({ log: say });
  const brokers = kafka.bootstrapServers;
  await using port = connectKafka({ brokers, clientId: 'bench', clock: systemClock });
  const rounds: Round[] = [];
  for (let number = 1; number <= options.rounds; number += 1) {
    rounds.push(await takeOver(port, brokers, options, say));
    say(`Round ${number}: ${JSON.stringify(rounds.at(-1))}`);
  }
  const names = Object.keys(rounds[0] as Round) as (keyof Round)[];
  const medians = Object.fromEntries(names.map((name) => [name, median(rounds.map((one) => one[name]))]));
  const { rows, body, record } = options;
  const common = { bench: 'takeover', rows, bodyBytes: body, partitions: PARTITIONS };
  const summary = { ...common, ...medians, ...machineFacts(kafka, loadBefore) };
  await keepResults('takeover', { summary, rounds }, record);
  say(JSON.stringify(summary));
}

async function takeOver(
  kafka: KafkaPort,
  brokers: readonly string[],
  options: PlainOptions<'takeover'>,
  say: (line: string) => void,
): Promise<Round> {
  const prefix = `${uniqueName('takeover')}.`;
  const topic = (id: TopicId) => topicName(prefix, id);
  const kek = randomBytes(32).toString('hex');
  const bodyBytesMax = limits.bodyBytesDefault;
  await kafka.admin.createTopics([
    ...topicSpecs({ prefix, partitions: PARTITIONS, replicationFactor: 1, bodyBytesMax }),
  ]);
  const config = { kafka, topic: topic('config'), kek: parseKek(kek), partitions: PARTITIONS };
  // Port 9: nothing is ever sent to it, as requests end in the process.
  const endpoints = await writeBenchConfig({ ...config, endpoints: ENDPOINTS, sinkPort: 9 });
  await writeLastOwner(kafka, topic('ownership'), PARTITIONS);
  const now = Date.now();
  const tiers = TIERS.flatMap((tier) => Array.from({ length: TIER_PARTS[tier] }, () => tier));
  await writeRows({ kafka, topicPrefix: prefix, partitions: PARTITIONS }, options.rows, (i) => ({
    endpoint: endpoints[i % endpoints.length] as BenchEndpoint,
    // Numbers that no live delivery has.
    ...{ event: ROWS_FROM_EVENT + i, body: benchBody(ROWS_FROM_EVENT + i, options.body) },
    ...{ tier: tiers[(i * 7) % tiers.length] as Tier, dueAt: now + DUE_FROM_MS + (i % DUE_SPREAD_MS) },
    waitReason: WaitReason.RETRY,
  }));
  const live = { count: ENDPOINTS * LIVE_PER_ENDPOINT, firstEvent: 1, bodyBytes: options.body };
  await preloadDeliveries({ kafka, endpoints, topicPrefix: prefix, partitions: PARTITIONS, ...live });
  say(`  ${options.rows} rows and ${ENDPOINTS * LIVE_PER_ENDPOINT} live deliveries written`);
  await using storeDir = await tempDir();
  const partitionOfEndpoint = endpoints.map(({ uid }) => partitionOf(uid, PARTITIONS));
  const shape = { rows: options.rows, partitions: PARTITIONS, partitionOfEndpoint };
  const work: TakeoverWork = { brokers, prefix, kek, storeDir: storeDir.path, ...shape };
  return await runProcess(work);
}

async function runProcess(work: TakeoverWork): Promise<Round> {
  const idle = monitorEventLoopDelay({ resolution: 1 });
  idle.enable();
  const child = fork(join(import.meta.dirname, 'takeover-process.ts'));
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the dispatcher ended with ${String(code ?? signal)}`);
  });
  ended.catch(() => undefined);
  child.send(work);
  const [told] = (await Promise.race([once(child, 'message'), ended])) as [TakeoverTold];
  idle.disable();
  child.send('stop');
  await ended.catch(() => undefined);
  return { ...told, idleLoopDelayP99Ms: round(idle.percentile(99) / 1e6) };
}
