import { findCoordinator } from './coordinator.ts';
import { assertNoError } from './protocol-error.ts';
import type { KafkaClient } from './client.ts';
import type { TopicPartition, TopicPartitionOffset } from '../port.ts';

interface RawTopics {
  readonly responses: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly errorCode: number;
      readonly offset?: string;
      readonly metadata?: string | null;
    }[];
  }[];
}

/** Writes a group's offsets as this member of this generation. What the broker refuses of them rejects the whole, the rest is kept. */
export async function commitOffsets(
  client: KafkaClient,
  member: { readonly groupId: string; readonly memberId: string; readonly generation: number },
  offsets: readonly TopicPartitionOffset[],
): Promise<void> {
  const broker = await findCoordinator(client, member.groupId);
  const raw = await client.call<RawTopics>(broker, 'OffsetCommit', {
    groupId: member.groupId,
    memberId: member.memberId,
    groupGenerationId: member.generation,
    topics: [...Map.groupBy(offsets, ({ topic }) => topic)].map(([topic, own]) => ({
      topic,
      partitions: own.map(({ partition, offset, metadata }) => ({
        partition,
        offset: String(offset),
        metadata: metadata ?? '',
      })),
    })),
  });
  for (const { topic, partitions } of raw.responses) {
    for (const { partition, errorCode } of partitions) assertNoError(`committing ${topic}/${partition}`, errorCode);
  }
}

/** A group's offsets of these partitions; those without one are absent. */
export async function committedOffsets(
  client: KafkaClient,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<TopicPartitionOffset[]> {
  const broker = await findCoordinator(client, groupId);
  const raw = await client.call<RawTopics & { readonly errorCode: number }>(broker, 'OffsetFetch', {
    groupId,
    topics: [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, own]) => ({
      topic,
      partitions: own.map(({ partition }) => ({ partition })),
    })),
  });
  assertNoError(`reading the offsets of ${groupId}`, raw.errorCode);
  return raw.responses.flatMap(({ topic, partitions: own }) =>
    own.flatMap(({ partition, errorCode, offset, metadata }) => {
      assertNoError(`reading the offset of ${topic}/${partition}`, errorCode);
      return Number(offset) < 0 ? [] : [{ topic, partition, offset: Number(offset), metadata: metadata ?? '' }];
    }),
  );
}
