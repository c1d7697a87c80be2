import { assertNoError, code, ProtocolError } from './protocol-error.ts';
import type { KafkaClient } from './client.ts';

/** What `timestamp` may ask for beside a time. */
export const LATEST = -1;
export const EARLIEST = -2;

/** 0: the end of everything; 1: the end of what committed transactions and plain writes have made readable. */
export type Isolation = 0 | 1;

interface RawOffsets {
  readonly responses: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number; readonly offset: string }[];
  }[];
}

/** All partition numbers of a topic, freshly asked for. Rejects with the cluster's error when it is not there. */
export async function partitionsOf(client: KafkaClient, topic: string): Promise<number[]> {
  const { topics } = await client.refresh([topic]);
  const metadata = topics.get(topic);
  const errorCode = metadata?.errorCode ?? code.unknownTopicOrPartition;
  // A partition without a leader makes the topic's own code an error, too; its partitions are known all the same.
  if (metadata === undefined || metadata.leaders.size === 0)
    throw new ProtocolError(`looking up ${topic}`, errorCode || code.unknownTopicOrPartition);
  return [...metadata.leaders.keys()].toSorted((a, b) => a - b);
}

/** One offset per partition: by time, or `EARLIEST`, or `LATEST`; -1 when no record is that late. Needs known leaders. */
export async function listOffsets(
  client: KafkaClient,
  topic: string,
  partitions: readonly number[],
  timestamp: number,
  isolation: Isolation,
): Promise<Map<number, number>> {
  const byLeader = Map.groupBy(partitions, (partition) => client.leaderOf(topic, partition));
  const offsets = new Map<number, number>();
  const asking = [...byLeader].map(async ([leader, own]) => {
    if (typeof leader !== 'number')
      throw new ProtocolError(`finding the leaders of ${topic}`, leader === 'unknown' ? 3 : 5);
    const broker = await client.broker(leader);
    const topics = [{ topic, partitions: own.map((partition) => ({ partition, timestamp })) }];
    const raw = await client.call<RawOffsets>(broker, 'ListOffsets', {
      replicaId: -1,
      isolationLevel: isolation,
      topics,
    });
    for (const { partition, errorCode, offset } of raw.responses.flatMap((response) => response.partitions)) {
      assertNoError(`asking for offsets of ${topic}/${partition}`, errorCode);
      offsets.set(partition, Number(offset));
    }
  });
  await Promise.all(asking);
  return offsets;
}
