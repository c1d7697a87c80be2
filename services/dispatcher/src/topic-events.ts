import type { Logger, Metrics } from '@postrider/runtime';

/** Topics that are not what they were: somebody has deleted records, or a whole topic. A person must hear of it. */
export interface TopicEvents {
  /** What was to be read next of a topic does not exist: it was deleted, or the topic was. */
  offsetOutOfRange(topic: string, partition: number, offset: number): void;
  /**
   * Nothing is known of who owned a partition whose tiers were written: `ownership` was deleted. All that its topics keep is
   * delivered again.
   */
  ownershipReplaced(partition: number): void;
}

/** Events that go to a log and to metrics. */
export function topicEvents(log: Logger, metrics: Metrics): TopicEvents {
  const outOfRange = metrics.counter('postrider_offsets_out_of_range', 'Positions that did not exist any more', [
    'topic',
  ]);
  const ownershipReplaced = metrics
    .counter('postrider_ownership_replaced', 'Partitions that were worked on and of whose owners nothing was known')
    .with({});
  return {
    offsetOutOfRange(topic, partition, offset) {
      outOfRange.with({ topic }).add();
      log.error({ topic, partition, offset }, 'unread records are gone: the topic keeps too little or was replaced');
    },
    ownershipReplaced(partition) {
      ownershipReplaced.add();
      log.error(
        { partition },
        'ownership knows nothing of a partition that was worked on: it was deleted, or lost; what its topics keep is delivered again',
      );
    },
  };
}
