import { createOffsetRange } from '@postrider/core';
import type { IntakeProgress, OffsetRange } from '@postrider/core';
import type { IntakeOffset } from './work.ts';

/** The two topics that are taken in, by the last part of their names. */
export const intakeTopics = ['deliveries', 'deliveries.bulk'] as const;
export type IntakeTopic = (typeof intakeTopics)[number];

/** What is done on the two topics of intake of one partition. */
export interface IntakeLedger {
  range(topic: IntakeTopic): OffsetRange;
  /** Goes on from this instead of what it was made with. Before anything is taken. */
  goOnFrom(topic: IntakeTopic, progress: IntakeProgress): void;
  /** Kafka's id of the topic; empty: not known. */
  topicId(topic: IntakeTopic): string;
  /** Rows of epochs below name offsets of a topic that is no more. */
  sinceEpoch(topic: IntakeTopic): number;
  /** The offset is done: what follows from its record is acknowledged. */
  done(at: IntakeOffset): void;
  isDone(at: IntakeOffset): boolean;
  /** Completions since the ledger was last encoded. */
  readonly completions: number;
  /** Something is done that no encoded ledger tells of. */
  readonly dirty: boolean;
  /** What is done, of the topics of which anything is known. */
  encode(): ReadonlyMap<IntakeTopic, IntakeProgress>;
}

/** A topic of intake, and not a retry tier or `ownership`. */
export function isIntakeTopic(topic: string): topic is IntakeTopic {
  return topic === 'deliveries' || topic === 'deliveries.bulk';
}

export function topicOf({ bulk }: IntakeOffset): IntakeTopic {
  return bulk ? 'deliveries.bulk' : 'deliveries';
}

/** Where the two topics of intake ended when the partition was taken over. */
export interface IntakeEnds {
  readonly live: number;
  readonly bulk: number;
}

/** Whether a record that was taken in stood there before the partition was taken over. */
export function isBeforeTakeover({ bulk, offset }: IntakeOffset, ends: IntakeEnds): boolean {
  return offset < (bulk ? ends.bulk : ends.live);
}

/**
 * A ledger that goes on from a progress record, by logical topic name; from offset 0 where it says nothing.
 * `onDone` is called after each completion.
 */
export function createIntakeLedger(
  from: ReadonlyMap<string, IntakeProgress> | undefined,
  onDone: (topic: IntakeTopic) => void = () => undefined,
): IntakeLedger {
  const ranges = {
    deliveries: createOffsetRange(from?.get('deliveries')),
    'deliveries.bulk': createOffsetRange(from?.get('deliveries.bulk')),
  };
  /** Of which topics something is known, and which they are. */
  const known = new Map<string, Pick<IntakeProgress, 'topicId' | 'sinceEpoch'>>(from);
  let completions = 0;
  return {
    range: (topic) => ranges[topic],
    goOnFrom(topic, progress) {
      ranges[topic] = createOffsetRange(progress);
      known.set(topic, progress);
    },
    topicId: (topic) => known.get(topic)?.topicId ?? '',
    sinceEpoch: (topic) => known.get(topic)?.sinceEpoch ?? 0,
    done(at) {
      const topic = topicOf(at);
      if (!ranges[topic].done(at.offset)) return;
      completions += 1;
      onDone(topic);
    },
    isDone: (at) => ranges[topicOf(at)].isDone(at.offset),
    get completions() {
      return completions;
    },
    get dirty() {
      return completions > 0;
    },
    encode() {
      completions = 0;
      const told = intakeTopics.filter((topic) => known.has(topic));
      return new Map(told.map((topic) => [topic, { ...known.get(topic), ...ranges[topic].encode() }]));
    },
  };
}
