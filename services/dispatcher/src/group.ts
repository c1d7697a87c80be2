import { createSessionFence, drainDeadline, every, isOtherTopic, limits, type SessionFence } from '@postrider/core';
import { coPartitionedTopics } from '@postrider/kafka';
import { intakeTopics } from './intake-ledger.ts';
import { createOwnBytesSweep } from './own-bytes.ts';
import { createPartitionOwner, type PartitionOwner } from './partition-owner.ts';
import { createStallWatch, type Reading, type StallWatch } from './stall-watch.ts';
import { createSweep, type Sweep } from './sweep.ts';
import type { CheckResult } from '@postrider/runtime';
import type { Assignment, Batch, GroupMember, KafkaPort, TopicPartitionOffset } from '@postrider/kafka';
import type { FeedTopic } from './partition-feed.ts';
import type { Pod } from './pod.ts';
import type { Work } from './work.ts';

/** The group that says which process should own which partition. */
export interface OwnerGroup {
  /** Every partition that this process has been named for. */
  readonly owners: ReadonlyMap<number, PartitionOwner>;
  /** For `/livez`. */
  reading(): CheckResult;
  /** A shutdown: every partition is given up, then the group is left. */
  stop(): Promise<void>;
}

export interface OwnerGroupOptions {
  readonly pod: Pod;
  readonly kafka: KafkaPort;
  readonly sessionTimeoutMs: number;
}

const TICK_MS = 1_000;
/** Ticks between two group commits, which are for dashboards only. */
const COMMIT_EVERY_TICKS = 5;
const LOOK_EVERY_TICKS = limits.readStallLookEveryMs / TICK_MS;

/** Joins the group; resolves when this process has been named for its first partitions. */
export async function joinGroup(options: OwnerGroupOptions): Promise<OwnerGroup> {
  const group = new Group(options.pod);
  const { pod } = options;
  const topics = new Map<string, FeedTopic>(coPartitionedTopics.map((topic) => [pod.topic(topic), topic]));
  const member = await options.kafka.groupMember({
    groupId: pod.groupId,
    processId: pod.processId,
    topics: [...topics.keys()],
    startFrom: 'earliest',
    sessionTimeoutMs: options.sessionTimeoutMs,
    onAssigned: (assignment) => group.assigned(assignment),
    onBatch: (batch) => group.read(topics.get(batch.topic) as FeedTopic, batch),
    onTrouble: (error) => pod.events.kafkaTrouble(error),
    onOffsetOutOfRange: ({ topic, partition, offset }) => {
      pod.events.offsetOutOfRange(topic, partition, offset);
      group.owners.get(partition)?.outOfRange(topics.get(topic) as FeedTopic);
    },
  });
  group.joined(member);
  return group;
}

class Group implements OwnerGroup {
  readonly owners = new Map<number, PartitionOwner>();
  readonly #pod: Pod;
  /** Each looks through all that it holds: not all of them in one turn of the event loop. */
  readonly #looks: Sweep<PartitionOwner>;
  readonly #ownBytes: { run(): void };
  #member: GroupMember | null = null;
  #fence: SessionFence | null = null;
  /** What the newest assignment names us for, which may come before the member itself is known. */
  #named: ReadonlySet<number> = new Set();
  #stopping = false;
  #cancelTick: (() => void) | null = null;
  #ticks = 0;
  /** What the group was told, by topic and partition. */
  readonly #committed = new Map<string, number>();
  #committing = false;
  #stalls: StallWatch | null = null;
  /** Kafka's id of `ownership` as it was last told. */
  #ownershipId = '';

  constructor(pod: Pod) {
    this.#pod = pod;
    const { slices } = pod;
    this.#looks = createSweep({
      ...{ slices, perStep: 1, isUrgent: true, mayGoOn: () => true },
      act: (owner) => owner.tick(),
    });
    this.#ownBytes = createOwnBytesSweep({ slices, clock: pod.clock, tables: () => this.#works() });
  }

  joined(member: GroupMember): void {
    this.#member = member;
    this.#fence = createSessionFence(this.#pod.clock, member);
    this.#stalls = createStallWatch({
      clock: this.#pod.clock,
      events: this.#pod.events,
      freshOffsets: this.#pod.freshOffsets,
      readings: () => this.#readings(),
      reconnect: () => member.reconnect(),
    });
    this.#planTick();
    this.#follow();
  }

  /** Told inside the join: who is named takes over, who is not named any more gives up. */
  assigned(assignment: Assignment): void {
    this.#named = this.#partitionsOf(assignment);
    this.#follow();
  }

  #follow(): void {
    const partitions = this.#named;
    const member = this.#member;
    const fence = this.#fence;
    if (member === null || fence === null) return;
    // The newest heartbeat seen before this join was sent before the rebalance began.
    const { layout } = this.#pod.view.snapshot();
    this.#pod.destinations?.setShare(partitions.size / (layout?.partitions ?? partitions.size));
    const deadline = drainDeadline(fence.lastSentAt);
    fence.open();
    for (const owner of this.owners.values()) if (!partitions.has(owner.partition)) owner.unnamed(deadline);
    if (this.#stopping) return;
    for (const partition of partitions) {
      let owner = this.owners.get(partition);
      if (owner === undefined) {
        owner = createPartitionOwner({ pod: this.#pod, partition, member, fence });
        this.owners.set(partition, owner);
      }
      owner.named();
    }
  }

  read(topic: FeedTopic, batch: Batch): void {
    this.owners.get(batch.partition)?.read(topic, batch);
  }

  reading(): CheckResult {
    return this.#stalls?.check() ?? { ok: true };
  }

  *#readings(): Iterable<Reading> {
    for (const owner of this.owners.values())
      for (const { topic, position } of owner.readings()) yield { topic, partition: owner.partition, position };
  }

  /** Deliveries in hand, by partition. */
  *#works(): Iterable<Iterable<Work>> {
    for (const { serving } of this.owners.values()) yield serving?.parts?.table.works.values() ?? [];
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const deadline = drainDeadline(this.#pod.clock.monotonic());
    await Promise.all([...this.owners.values()].map((owner) => owner.stop(deadline)));
    this.#cancelTick?.();
    // Without a session nobody would take it.
    if (this.#fence?.open() === true) await this.#commit();
    await this.#member?.[Symbol.asyncDispose]();
  }

  #planTick(): void {
    this.#cancelTick = every(this.#pod.clock, TICK_MS, () => {
      this.#fence?.open();
      this.#looks.run(this.owners.values());
      this.#ownBytes.run();
      this.#pod.rowBound.tick();
      this.#pod.destinations?.tick();
      this.#pod.pauses.tick();
      this.#pod.reach.tick();
      // Whatever kept something from starting may be over without an event of its own.
      this.#pod.scheduler.written();
      this.#ticks += 1;
      if (this.#ticks % COMMIT_EVERY_TICKS === 0) void this.#commit();
      if (this.#ticks % LOOK_EVERY_TICKS !== 0) return;
      void this.#stalls?.look();
      void this.#lookAtTopics();
    });
  }

  /** A topic that is deleted and made anew answers by its name as if nothing had happened. */
  async #lookAtTopics(): Promise<void> {
    try {
      const ids = await this.#pod.topicIds();
      const ownershipId = ids.get('ownership') ?? '';
      const replaced = isOtherTopic({ topicId: this.#ownershipId }, ownershipId);
      if (ownershipId !== '') this.#ownershipId = ownershipId;
      for (const owner of this.owners.values()) owner.topicsAre(ids, replaced);
    } catch (error) {
      this.#pod.events.kafkaTrouble(error as Error);
    }
  }

  /** Topics that an operator has grown do not name further partitions: the six only count together. */
  #partitionsOf(assignment: Assignment): ReadonlySet<number> {
    const byTopic = coPartitionedTopics.map((topic) => new Set(assignment.get(this.#pod.topic(topic))));
    return byTopic.reduce((all, partitions) => all.intersection(partitions));
  }

  /** Truth is in `ownership`; these offsets only make lag visible to the tools that people have. */
  async #commit(): Promise<void> {
    const offsets = this.#uncommitted();
    if (offsets.length === 0 || this.#committing) return;
    this.#committing = true;
    try {
      await this.#member?.commit(offsets);
      for (const { topic, partition, offset } of offsets) this.#committed.set(`${topic}/${partition}`, offset);
    } catch {
      // The next one says more.
    } finally {
      this.#committing = false;
    }
  }

  /** What is done of the partitions that the group names us for: the others' next owners speak for them. */
  #uncommitted(): TopicPartitionOffset[] {
    const offsets: TopicPartitionOffset[] = [];
    for (const { partition, watermark } of this.owners.values()) {
      if (!this.#named.has(partition)) continue;
      for (const id of intakeTopics) {
        const topic = this.#pod.topic(id);
        const offset = watermark(id);
        const isNews = offset !== null && this.#committed.get(`${topic}/${partition}`) !== offset;
        if (isNews) offsets.push({ topic, partition, offset });
      }
    }
    return offsets;
  }
}
