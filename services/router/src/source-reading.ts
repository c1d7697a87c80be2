import { createSourceProgress, type SourceProgress } from './source-progress.ts';
import { every, type Clock } from '@postrider/core';
import type { Assignment, Batch, GroupMember, KafkaPort, TopicPartition, TopicPartitionOffset } from '@postrider/kafka';
import type { Flow } from './flow.ts';
import type { RouterEvents } from './events.ts';

export interface SourceReadingOptions {
  readonly kafka: KafkaPort;
  readonly clock: Clock;
  readonly flow: Flow;
  readonly events: RouterEvents;
  readonly sourceTopics: readonly string[];
  readonly groupId: string;
  readonly processId: string;
  readonly sessionTimeoutMs: number;
}

/** The router's membership in the group that shares the source partitions. */
export interface SourceReading extends AsyncDisposable {
  readonly joined: boolean;
  pause(): void;
  resume(): void;
}

interface Source extends TopicPartition {
  progress: SourceProgress | null;
  committed: number;
}

/** Often, as what is not committed is repeated after a crash, and dispatchers know a repeat only for so long. */
const commitEveryMs = 250;
/** A stop does not wait longer than this until what is begun is written and acknowledged: what is open is read again by the next router. */
const drainMs = 8_000;

const keyOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;

/**
 * Joins the group and hands records to the flow. The group's committed offset *is* the router's progress: it only passes
 * what has been acknowledged, several times a second and when reading stops.
 */
export async function startSourceReading(options: SourceReadingOptions): Promise<SourceReading> {
  const { flow, events, clock } = options;
  // A new assignment gets new sources: what ends later for the old ones moves no offset.
  let sources = new Map<string, Source>();
  let paused = false;
  let stopping = false;
  let member: GroupMember | null = null;
  let committing = Promise.resolve();

  function onAssigned(assignment: Assignment): void {
    sources = sourcesOf(assignment);
    // What was read before is read again from the commit, by whoever the partition belongs to now.
    flow.dropUnrouted();
    events.partitionsAssigned(sources.size);
    if (member !== null && !paused && !stopping) member.resume([...sources.values()]);
  }

  function onBatch(batch: Batch): void {
    const source = sources.get(keyOf(batch));
    if (source === undefined) return;
    const progress = (source.progress ??= createSourceProgress(batch.records[0]?.offset ?? batch.nextOffset));
    for (const record of batch.records) flow.accept(record, progress.take(record.offset));
    progress.passed(batch.nextOffset);
  }

  /** What was read counts for a log that is gone: offsets begin anew, perhaps lower than what is committed. */
  function onOffsetOutOfRange(position: TopicPartitionOffset): void {
    events.offsetOutOfRange(position);
    const { topic, partition } = position;
    sources.set(keyOf(position), newSource(topic, partition));
  }

  // One commit at a time: a late answer to an earlier one must not undo a later one.
  let commits = 0;
  const commit = () => {
    commits += 1;
    const made = committing.then(() => commitMoved(member, [...sources.values()], events));
    return (committing = made.finally(() => (commits -= 1)));
  };
  const handlers = { onAssigned, onBatch, onTrouble: events.readingTroubled, onOffsetOutOfRange };
  member = await join(options, handlers);
  if (!paused) member.resume([...sources.values()]);
  // A slow answer delays the next commit; it does not pile them up.
  const cancelTimer = every(clock, commitEveryMs, () => commits === 0 && void commit());
  const joined = member;
  return {
    get joined() {
      return clock.monotonic() - joined.lastHeartbeatSentAt < options.sessionTimeoutMs;
    },
    pause() {
      paused = true;
      joined.pause([...sources.values()]);
    },
    resume() {
      paused = false;
      // What is begun is still being written, which makes room.
      if (!stopping) joined.resume([...sources.values()]);
    },
    async [Symbol.asyncDispose]() {
      stopping = true;
      joined.pause([...sources.values()]);
      cancelTimer();
      await withinMs(clock, drainMs, flow.drain());
      await commit();
      await joined[Symbol.asyncDispose]();
    },
  };
}

/** Commits the sources whose position has moved. A rejected commit may be partly applied: it is simply made again. */
async function commitMoved(
  member: GroupMember | null,
  sources: readonly Source[],
  events: RouterEvents,
): Promise<void> {
  const moved: (TopicPartitionOffset & { source: Source })[] = [];
  for (const source of sources) {
    const offset = source.progress?.position ?? source.committed;
    if (offset > source.committed) moved.push({ topic: source.topic, partition: source.partition, offset, source });
  }
  if (moved.length === 0 || member === null) return;
  try {
    await member.commit(moved.map(({ topic, partition, offset }) => ({ topic, partition, offset })));
    for (const { source, offset } of moved) source.committed = offset;
  } catch (error) {
    events.commitFailed(error as Error);
  }
}

type Handlers = Pick<
  Parameters<KafkaPort['groupMember']>[0],
  'onAssigned' | 'onBatch' | 'onTrouble' | 'onOffsetOutOfRange'
>;

function join(options: SourceReadingOptions, handlers: Handlers): Promise<GroupMember> {
  const { kafka, groupId, processId, sourceTopics, sessionTimeoutMs } = options;
  return kafka.groupMember({
    groupId,
    processId,
    topics: sourceTopics,
    startFrom: 'earliest',
    sessionTimeoutMs,
    ...handlers,
  });
}

function sourcesOf(assignment: Assignment): Map<string, Source> {
  const sources = new Map<string, Source>();
  for (const [topic, partitions] of assignment)
    for (const partition of partitions) {
      const source = newSource(topic, partition);
      sources.set(keyOf(source), source);
    }
  return sources;
}

function newSource(topic: string, partition: number): Source {
  return { topic, partition, progress: null, committed: -1 };
}

async function withinMs(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  await Promise.race([work, promise]);
  cancel();
}
