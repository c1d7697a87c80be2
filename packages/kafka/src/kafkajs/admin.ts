import { KafkaError } from '../port.ts';
import { createClient } from './client.ts';
import { EARLIEST, LATEST, listOffsets, partitionsOf } from './list-offsets.ts';
import { assertNoError, code, ProtocolError } from './protocol-error.ts';
import { retry } from './retry.ts';
import { findCoordinator } from './coordinator.ts';
import { committedOffsets } from './group-offsets.ts';
import { topicIds } from './topic-ids.ts';
import type { KafkaClient } from './client.ts';
import type { KafkaOptions } from './options.ts';
import type {
  Admin,
  GroupDescription,
  OffsetRange,
  TopicDescription,
  TopicPartitionOffset,
  TopicSpec,
} from '../port.ts';

const LIMIT_MS = 10_000;
/** Many partitions on a small broker take long until all of them answer. */
const CREATE_LIMIT_MS = 60_000;
const BROKER_TIMEOUT_MS = 10_000;
const RESOURCE_TOPIC = 2;
const READ_UNCOMMITTED = 0;

interface RawConfigs {
  readonly resources: readonly {
    readonly errorCode: number;
    readonly resourceName: string;
    readonly configEntries: readonly { readonly configName: string; readonly configValue: string | null }[];
  }[];
}

/** The port's admin. Each call gives up with `UNAVAILABLE` after 10 s without an answer (creating topics: 60 s). */
export function createAdmin(options: KafkaOptions): Admin & { close(): void } {
  const client = createClient(options, `${options.clientId}-admin`);
  const closing = new AbortController();
  const ask = <T>(what: () => Promise<T>, limitMs = LIMIT_MS) =>
    retry(what, { clock: options.clock, limitMs, signal: closing.signal });
  return {
    createTopics: async (specs) => {
      const created = specs.length === 0 ? [] : await ask(() => create(client, specs));
      for (const { name } of specs) await ask(() => ranges(client, name), CREATE_LIMIT_MS);
      return { created };
    },
    describeTopics: (names) => ask(() => describe(client, names)),
    describeCluster: () =>
      ask(async () => {
        const { clusterId, brokers } = await client.refresh([]);
        return { cluster: clusterId, brokers };
      }),
    topicIds: (names) => ask(async () => topicIds(await client.anyBroker(), names)),
    offsets: (topic) => ask(() => ranges(client, topic)),
    offsetsAt: (topic, timestamp) => ask(() => offsetsAt(client, topic, timestamp)),
    describeGroup: (groupId) => ask(() => describeGroup(client, groupId)),
    // To name no partition asks for all.
    committedOffsets: (groupId) => ask(() => committedOffsets(client, groupId, [])),
    deleteRecords: (positions) => ask(() => deleteRecords(client, positions)),
    close() {
      closing.abort();
      client.destroy();
    },
  };
}

async function create(client: KafkaClient, specs: readonly TopicSpec[]): Promise<string[]> {
  const { controller } = await client.refresh([]);
  const topics = specs.map(({ name, partitions, replicationFactor, config }) => ({
    topic: name,
    numPartitions: partitions,
    replicationFactor,
    configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
  }));
  const raw = await client.call<{
    topicErrors: readonly { topic: string; errorCode: number; errorMessage?: string | null }[];
  }>(await client.broker(controller), 'CreateTopics', { topics, validateOnly: false, timeout: BROKER_TIMEOUT_MS });
  for (const { topic, errorCode, errorMessage } of raw.topicErrors) {
    const why = errorMessage === null || errorMessage === undefined ? '' : ` (${errorMessage})`;
    if (errorCode !== code.topicAlreadyExists) assertNoError(`creating ${topic}${why}`, errorCode);
  }
  return raw.topicErrors.filter(({ errorCode }) => errorCode === code.none).map(({ topic }) => topic);
}

async function describe(client: KafkaClient, names: readonly string[]): Promise<TopicDescription[]> {
  if (names.length === 0) return [];
  const { topics } = await client.refresh(names);
  const present = names.filter((name) => (topics.get(name)?.leaders.size ?? 0) > 0);
  if (present.length === 0) return [];
  const resources = present.map((name) => ({ type: RESOURCE_TOPIC, name }));
  const raw = await client.call<RawConfigs>(await client.anyBroker(), 'DescribeConfigs', {
    resources,
    includeSynonyms: false,
  });
  return raw.resources.flatMap(({ errorCode, resourceName, configEntries }) => {
    // Deleted between the two questions.
    if (errorCode === code.unknownTopicOrPartition) return [];
    assertNoError(`describing ${resourceName}`, errorCode);
    const topic = topics.get(resourceName);
    const config = Object.fromEntries(
      configEntries.map(({ configName, configValue }) => [configName, configValue ?? '']),
    );
    return [
      { name: resourceName, partitions: topic?.leaders.size ?? 0, replicationFactor: topic?.replicas ?? 0, config },
    ];
  });
}

async function ranges(client: KafkaClient, topic: string): Promise<OffsetRange[]> {
  const partitions = await partitionsOf(client, topic);
  const low = await listOffsets(client, topic, partitions, EARLIEST, READ_UNCOMMITTED);
  const high = await listOffsets(client, topic, partitions, LATEST, READ_UNCOMMITTED);
  return partitions.map((partition) => ({ partition, low: low.get(partition) ?? 0, high: high.get(partition) ?? 0 }));
}

async function offsetsAt(client: KafkaClient, topic: string, timestamp: number): Promise<Map<number, number>> {
  const partitions = await partitionsOf(client, topic);
  const high = await listOffsets(client, topic, partitions, LATEST, READ_UNCOMMITTED);
  const found = await listOffsets(client, topic, partitions, Math.max(0, timestamp), READ_UNCOMMITTED);
  return new Map(
    partitions.map((partition) => [partition, atLeastZero(found.get(partition)) ?? high.get(partition) ?? 0]),
  );
}

function atLeastZero(offset: number | undefined): number | undefined {
  return offset === undefined || offset < 0 ? undefined : offset;
}

const groupStates: Readonly<Record<string, GroupDescription['state']>> = {
  Empty: 'empty',
  Stable: 'stable',
  PreparingRebalance: 'rebalancing',
  CompletingRebalance: 'rebalancing',
  Dead: 'dead',
};

async function describeGroup(client: KafkaClient, groupId: string): Promise<GroupDescription> {
  const broker = await findCoordinator(client, groupId);
  const raw = await client.call<{
    groups: readonly { errorCode: number; state: string; members: readonly { clientId: string }[] }[];
  }>(broker, 'DescribeGroups', { groupIds: [groupId] });
  const group = raw.groups[0];
  if (group === undefined || group.errorCode === code.groupIdNotFound) return { state: 'dead', members: [] };
  assertNoError(`describing the group ${groupId}`, group.errorCode);
  const state = groupStates[group.state];
  if (state === undefined) throw new KafkaError('UNAVAILABLE', `the group ${groupId} is in state ${group.state}`);
  return { state, members: group.members.map(({ clientId }) => clientId) };
}

async function deleteRecords(client: KafkaClient, positions: readonly TopicPartitionOffset[]): Promise<void> {
  const topics = [...new Set(positions.map(({ topic }) => topic))];
  if (topics.length === 0) return;
  await client.refresh(topics);
  const byLeader = Map.groupBy(positions, ({ topic, partition }) => client.leaderOf(topic, partition));
  for (const [leader, own] of byLeader) {
    if (typeof leader !== 'number')
      throw new ProtocolError('finding the leaders for a deletion', leader === 'unknown' ? 3 : 5);
    const byTopic = Map.groupBy(own, ({ topic }) => topic);
    const request = [...byTopic].map(([topic, list]) => ({
      topic,
      partitions: list.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    }));
    const raw = await client.call<{
      topics: readonly { topic: string; partitions: readonly { partition: number; errorCode: number }[] }[];
    }>(await client.broker(leader), 'DeleteRecords', { topics: request, timeout: BROKER_TIMEOUT_MS });
    for (const { topic, partitions } of raw.topics) {
      for (const { partition, errorCode } of partitions)
        assertNoError(`deleting records of ${topic}/${partition}`, errorCode);
    }
  }
}
