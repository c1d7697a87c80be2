import { KafkaError } from '../src/port.ts';
import type { Admin } from '../src/port.ts';
import type { FakeCluster } from './fake-cluster.ts';
import type { FakeProcess } from './fake-process.ts';

/** What a real broker says for settings that a topic does not set itself. */
const CONFIG_DEFAULTS: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '604800000',
  'retention.bytes': '-1',
  'max.message.bytes': '1048588',
  'message.timestamp.type': 'CreateTime',
  'min.compaction.lag.ms': '0',
  'min.insync.replicas': '1',
  'segment.ms': '604800000',
  'unclean.leader.election.enable': 'false',
};

/** The port's admin over the fake cluster. */
export function createFakeAdmin(cluster: FakeCluster, process: FakeProcess): Admin {
  return {
    createTopics: (specs) =>
      process.ask('admin', () => ({
        created: specs.filter((spec) => cluster.createTopic(spec)).map(({ name }) => name),
      })),
    describeTopics: (names) =>
      process.ask('admin', () =>
        names.flatMap((name) => {
          const topic = cluster.topics.get(name);
          if (topic === undefined) return [];
          return [
            { ...topic.spec, partitions: topic.logs.length, config: { ...CONFIG_DEFAULTS, ...topic.spec.config } },
          ];
        }),
      ),
    describeCluster: () =>
      process.ask('admin', () => ({
        cluster: 'fake-cluster',
        brokers: Array.from({ length: cluster.brokers }, (_, id) => id).filter((id) => cluster.isUp(id)).length,
      })),
    topicIds: (names) =>
      process.ask(
        'metadata',
        () =>
          new Map(
            names.flatMap((name) => {
              const id = cluster.topics.get(name)?.id;
              return id === undefined ? [] : [[name, id] as const];
            }),
          ),
      ),
    offsets: (topic) =>
      process.ask('offsets', () =>
        cluster.topic(topic).logs.map(({ partition, low, high }) => ({ partition, low, high })),
      ),
    offsetsAt: (topic, timestamp) =>
      process.ask(
        'offsets',
        () => new Map(cluster.topic(topic).logs.map((log) => [log.partition, log.offsetAt(timestamp)])),
      ),
    describeGroup: (groupId) =>
      process.ask(
        'describe-group',
        () => cluster.knownGroup(groupId)?.describe() ?? { state: 'dead' as const, members: [] },
      ),
    committedOffsets: (groupId) =>
      process.ask('describe-group', () =>
        [...(cluster.knownGroup(groupId)?.committed ?? [])].map(([place, { offset, metadata }]) => {
          const cut = place.lastIndexOf('/');
          return { topic: place.slice(0, cut), partition: Number(place.slice(cut + 1)), offset, metadata };
        }),
      ),
    deleteRecords: (positions) =>
      process.ask('admin', () => {
        for (const { topic, partition, offset } of positions) {
          if (offset > cluster.log(topic, partition).high) {
            throw new KafkaError('INVALID_ARGUMENT', `${topic}/${partition} does not reach to offset ${offset}`);
          }
        }
        for (const { topic, partition, offset } of positions) cluster.log(topic, partition).deleteBelow(offset);
      }),
  };
}
