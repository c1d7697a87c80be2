import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import { limits, type Clock } from '@postrider/core';
import {
  checkTopics,
  readOwners,
  topicName,
  topicSpecs,
  type KafkaPort,
  type OwnerOfPartition,
} from '@postrider/kafka';
import { allPages } from '../paging.ts';
import { readTopic } from '../read-topic.ts';
import type { Rpc } from '../rpc.ts';
import type { Asked, KafkaFacts, Lag, LayoutFacts, PlaneFacts, SourceLag } from './facts.ts';

/** How long one question may take. */
const ASK_MS = 15_000;

/** Asks Kafka everything that it can tell; what fails is a fact too. */
export async function askKafka(kafka: KafkaPort, prefix: string, clock: Clock): Promise<Asked<KafkaFacts>> {
  const cluster = await asked(clock, () => kafka.admin.describeCluster());
  if (!cluster.ok) return cluster;
  const [layout, dispatchers, routers, owners, sourceLags] = await Promise.all([
    asked(clock, () => readLayout(kafka, topicName(prefix, 'config'))),
    asked(clock, () => kafka.admin.describeGroup(`${prefix}dispatcher`)),
    asked(clock, () => kafka.admin.describeGroup(`${prefix}router`)),
    asked(clock, () => readOwners(kafka, { topic: topicName(prefix, 'ownership'), clock })),
    asked(clock, () => sourceLagsOf(kafka, `${prefix}router`)),
  ]);
  const partitions = layout.ok ? (layout.value?.partitions ?? 1) : 1;
  const topics = await asked(clock, () => topicProblems(kafka, prefix, partitions));
  const ofLayout = inLayout(owners, partitions);
  const lags = ofLayout.ok ? await asked(clock, () => lagsOf(kafka, prefix, ofLayout.value)) : ofLayout;
  const problems = topics.ok ? topics.value : [`The topics could not be looked at: ${topics.problem}`];
  const { brokers } = cluster.value;
  return {
    ok: true,
    value: { brokers, topicProblems: problems, layout, dispatchers, routers, owners: ofLayout, lags, sourceLags },
  };
}

/** Asks the control plane, which asks every dispatcher. */
export function askPlane(rpc: Rpc, clock: Clock): Promise<Asked<PlaneFacts>> {
  return asked(clock, async () => ({
    dispatchers: await rpc.call(rpc.dispatchers, rpc.dispatchers.listDispatchers, {}),
    pauses: await allPages(async (pageToken) => {
      const page = await rpc.call(rpc.pauses, rpc.pauses.listPauses, { pageSize: 500, pageToken });
      return { entries: page.pauses, nextPageToken: page.nextPageToken };
    }),
    keys: await rpc.call(rpc.secrets, rpc.secrets.listKeyEncryptionKeys, {}),
    certificateEnds: rpc.serverCertificateEnds(),
  }));
}

async function asked<T>(clock: Clock, question: () => Promise<T>): Promise<Asked<T>> {
  const { promise, resolve } = Promise.withResolvers<Asked<T>>();
  const cancel = clock.after(ASK_MS, () =>
    resolve({ ok: false, problem: `there was no answer in ${ASK_MS / 1_000} s` }),
  );
  const answer = question().then(
    (value): Asked<T> => ({ ok: true, value }),
    (error: unknown): Asked<T> => ({ ok: false, problem: error instanceof Error ? error.message : String(error) }),
  );
  try {
    return await Promise.race([answer, promise]);
  } finally {
    cancel();
  }
}

async function topicProblems(kafka: KafkaPort, prefix: string, partitions: number): Promise<readonly string[]> {
  const own = { prefix, partitions, replicationFactor: 1, bodyBytesMax: limits.bodyBytesDefault };
  const described = await kafka.admin.describeTopics(topicSpecs(own).map(({ name }) => name));
  return checkTopics(described, {
    ...own,
    retrySpanMs: limits.retrySpanMaxMs,
    auditRetentionMs: limits.auditRetentionMinMs,
  });
}

/** Null when there is no layout. What cannot be read is left to the services, which tell of it. */
export async function readLayout(kafka: KafkaPort, topic: string): Promise<LayoutFacts | null> {
  let partitions = 0;
  let writer = '';
  await readTopic(kafka, {
    ...{ topic, from: 'beginning', follow: false, signal: AbortSignal.timeout(ASK_MS) },
    onRecord({ key, value }) {
      const name = key?.toString();
      if (value === null || (name !== 'layout/current' && name !== 'writer/current')) return 'go on';
      const { entity } = ConfigRecord.decode(value);
      if (entity?.$case === 'layout') ({ partitions } = entity.value);
      if (entity?.$case === 'writer') writer = entity.value.processId;
      return 'go on';
    },
  });
  return partitions === 0 ? null : { partitions, writer };
}

/** Partitions that an operator has added to the topic belong to nobody. */
function inLayout(owners: Asked<readonly OwnerOfPartition[]>, partitions: number): Asked<readonly OwnerOfPartition[]> {
  if (!owners.ok) return owners;
  return { ok: true, value: owners.value.filter(({ partition }) => partition < partitions) };
}

async function lagsOf(kafka: KafkaPort, prefix: string, owners: readonly OwnerOfPartition[]): Promise<readonly Lag[]> {
  const ends = await kafka.admin.offsets(topicName(prefix, 'deliveries'));
  return owners.map(({ partition, watermarks }) => {
    const { low = 0, high = 0 } = ends[partition] ?? {};
    return { partition, records: high - Math.max(low, watermarks.get('deliveries') ?? 0) };
  });
}

/** By what routers have committed; where they have committed nothing yet they begin at the beginning. */
async function sourceLagsOf(kafka: KafkaPort, groupId: string): Promise<readonly SourceLag[]> {
  const committed = await kafka.admin.committedOffsets(groupId);
  const byTopic = [...Map.groupBy(committed, ({ topic }) => topic)];
  const lags = await Promise.all(
    byTopic.map(async ([topic, positions]) => {
      const offsets = new Map(positions.map(({ partition, offset }) => [partition, offset]));
      const ends = await kafka.admin.offsets(topic);
      return ends.map(({ partition, low, high }): SourceLag => {
        return { topic, partition, records: high - Math.max(low, offsets.get(partition) ?? low) };
      });
    }),
  );
  return lags.flat();
}
