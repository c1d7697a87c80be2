import { PostriderError, partitionOf, type Clock } from '@postrider/core';
import { readOwners, topicName, type KafkaPort, type OwnerOfPartition } from '@postrider/kafka';
import { withDeadline } from './with-deadline.ts';
import type { ConfigView } from '@postrider/config-view';
import type { AskDispatcher, Askable } from './ask-owner.ts';

/** Who owns which partition, asked of Kafka each time: owners change without telling anybody. */
export interface Owners {
  /** The partition of an endpoint. */
  partitionOf(endpointUid: string): number;
  /**
   * The owner of a partition.
   * @throws PostriderError `unavailable`, with the reason, when there is none now, or Kafka does not answer
   */
  ownerOf(partition: number): Promise<Askable>;
  /** All partitions of the layout. */
  all(): Promise<readonly OwnerOfPartition[]>;
  /** Client ids of the dispatchers' group. */
  members(): Promise<readonly string[]>;
  readonly ask: AskDispatcher;
}

/** What looking for owners needs. */
export interface OwnersOptions {
  readonly kafka: KafkaPort;
  readonly view: Pick<ConfigView, 'snapshot'>;
  readonly topicPrefix: string;
  readonly clock: Clock;
  readonly ask: AskDispatcher;
}

/** Reads `ownership` when it is asked. */
export function createOwners({ kafka, view, topicPrefix, clock, ask }: OwnersOptions): Owners {
  const topic = topicName(topicPrefix, 'ownership');
  const count = (): number => view.snapshot().layout?.partitions ?? 1;
  const late = 'Kafka does not tell in time who owns the partition; try again';
  const inTime = <T>(work: Promise<T>): Promise<T> => withDeadline(work, clock, late);
  return {
    partitionOf: (endpointUid) => partitionOf(endpointUid, count()),
    async ownerOf(partition) {
      const [owner] = await inTime(readOwners(kafka, { topic, partitions: [partition], clock }));
      if (owner === undefined || owner.processId === null || owner.released) {
        const text = `partition ${partition} has no owner at this moment: it is being taken over, or no dispatcher takes part`;
        throw new PostriderError('unavailable', text);
      }
      return { processId: owner.processId, address: owner.address };
    },
    all: () => inTime(readOwners(kafka, { topic, partitions: Array.from({ length: count() }, (_, i) => i), clock })),
    members: async () => (await inTime(kafka.admin.describeGroup(`${topicPrefix}dispatcher`))).members,
    ask,
  };
}
