import { coPartitionedTopics } from '@postrider/kafka';
import type { Batch, GroupMember } from '@postrider/kafka';

/** A topic that an owner reads its partition of, by the last part of its name. */
export type FeedTopic = (typeof coPartitionedTopics)[number];

/**
 * One partition of the six co-partitioned topics, as its owner reads them: where it is and what it reads at all. The
 * member forgets both at each assignment; this does not.
 */
export interface PartitionFeed {
  /** Reading of the topic goes on from `offset`, once it runs. */
  seek(topic: FeedTopic, offset: number): void;
  run(topic: FeedTopic): void;
  hold(topic: FeedTopic): void;
  holdAll(): void;
  /** The offset that reading goes on from. */
  position(topic: FeedTopic): number;
  /** What is read at present. */
  readings(): readonly { readonly topic: string; readonly position: number }[];
  /** Notes how far a batch goes. False: it is not of what is read now and must be dropped. */
  accept(topic: FeedTopic, batch: Batch): boolean;
  /** After an assignment, which paused everything: goes on as before. */
  reassigned(): void;
  /** The partition is not ours any more: nothing is asked of the member from now on. */
  detach(): void;
}

interface Source {
  readonly topic: string;
  position: number;
  running: boolean;
}

/** A feed of which nothing runs yet. */
export function createPartitionFeed(
  member: Pick<GroupMember, 'seek' | 'pause' | 'resume'>,
  partition: number,
  fullName: (topic: FeedTopic) => string,
): PartitionFeed {
  const sources = new Map<FeedTopic, Source>(
    coPartitionedTopics.map((topic) => [topic, { topic: fullName(topic), position: 0, running: false }]),
  );
  const of = (topic: FeedTopic): Source => sources.get(topic) as Source;
  let attached = true;

  function hold(topic: FeedTopic): void {
    const source = of(topic);
    if (!source.running) return;
    source.running = false;
    if (attached) member.pause([{ topic: source.topic, partition }]);
  }

  return {
    seek(topic, offset) {
      const source = of(topic);
      source.position = offset;
      if (attached) member.seek({ topic: source.topic, partition, offset });
    },
    run(topic) {
      const source = of(topic);
      if (source.running) return;
      source.running = true;
      if (attached) member.resume([{ topic: source.topic, partition }]);
    },
    hold,
    holdAll() {
      for (const topic of coPartitionedTopics) hold(topic);
    },
    position: (topic) => of(topic).position,
    readings: () => (attached ? [...sources.values()].filter(({ running }) => running) : []),
    accept(topic, batch) {
      const source = of(topic);
      if (!source.running || batch.nextOffset < source.position) return false;
      source.position = batch.nextOffset;
      return true;
    },
    reassigned() {
      for (const { topic, position, running } of sources.values()) {
        if (!running) continue;
        member.seek({ topic, partition, offset: position });
        member.resume([{ topic, partition }]);
      }
    },
    detach() {
      attached = false;
    },
  };
}
