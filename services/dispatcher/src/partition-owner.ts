import { drainDeadline, isOtherTopic, limits } from '@postrider/core';
import { createChanges, type Changes } from './changes.ts';
import { createPartitionFeed, type FeedTopic, type PartitionFeed } from './partition-feed.ts';
import { createServing, type Serving } from './serving.ts';
import { beginServing, claimPartition, type TakeOverOptions } from './take-over.ts';
import type { OwnershipNews, SessionFence } from '@postrider/core';
import type { Batch, GroupMember, TopicId } from '@postrider/kafka';
import { presentEnds } from './ask-kafka.ts';
import { intakeTopics, isIntakeTopic, type IntakeTopic } from './intake-ledger.ts';
import type { OwnershipLog } from './ownership-log.ts';
import type { Pod } from './pod.ts';
import type { Reign } from './reign.ts';

/**
 * Where a partition stands in this process.
 *
 * | state | means | goes on to |
 * |---|---|---|
 * | `idle` | the group does not name us | `waiting` when it does |
 * | `waiting` | reads ownership, waits until the last owner is out of the way, claims | `claimed`; `idle` when not named any more |
 * | `claimed` | the claim is valid; progress is adopted, ends are fetched, the first progress is written | `serving`; `draining`; `lost` |
 * | `serving` | reads, starts, loads the tiers | `draining` when not named any more or at a shutdown; `lost` |
 * | `draining` | starts nothing; finishes what is in flight, gets every write acknowledged, writes `released` | `idle`, `waiting`; `lost` at the drain limit |
 * | `lost` | the session, or the race for the claim, is lost: everything is dropped | `waiting` while named, else `idle` |
 */
export type OwnerState = 'idle' | 'waiting' | 'claimed' | 'serving' | 'draining' | 'lost';

/** One partition of this process. */
export interface PartitionOwner {
  readonly partition: number;
  readonly state: OwnerState;
  readonly serving: Serving | null;
  /** Everything below is done, as this process last knew when it owned the partition; null: it never did. For group commits. */
  readonly watermark: (topic: IntakeTopic) => number | null;
  /** What is read at present, by full topic name. */
  readings(): readonly { readonly topic: string; readonly position: number }[];
  /** The group names us (again). Called inside the join. */
  named(): void;
  /** The group does not name us any more: everything in flight must have ended by `deadline` (monotonic ms). */
  unnamed(deadline: number): void;
  /** A shutdown: resolves when everything in flight has ended and `released` is written, or the deadline has passed. */
  stop(deadline: number): Promise<void>;
  read(topic: FeedTopic, batch: Batch): void;
  outOfRange(topic: FeedTopic): void;
  /** Kafka's ids of topics as they are now, and whether `ownership` was deleted and made anew since it was read. */
  topicsAre(ids: ReadonlyMap<TopicId, string>, ownershipReplaced: boolean): void;
  /** Called every second. */
  tick(): void;
}

/** What an owner needs. */
export interface PartitionOwnerOptions {
  readonly pod: Pod;
  readonly partition: number;
  readonly member: GroupMember;
  readonly fence: SessionFence;
}

/** A takeover that failed for a reason of its own is tried again after this. */
const TRY_AGAIN_MS = 5_000;

/** An owner that is not named yet. */
export function createPartitionOwner(options: PartitionOwnerOptions): PartitionOwner {
  return new Owner(options);
}

class Owner implements PartitionOwner {
  readonly partition: number;
  state: OwnerState = 'idle';
  serving: Serving | null = null;
  readonly watermark = (topic: IntakeTopic): number | null => {
    const { serving } = this;
    if (serving !== null && serving.parts !== null) return serving.watermark(topic);
    return this.#watermarks.get(topic) ?? null;
  };
  readonly #watermarks = new Map<IntakeTopic, number>();
  readonly #pod: Pod;
  readonly #fence: SessionFence;
  readonly #member: GroupMember;
  readonly #changes: Changes = createChanges();
  #feed: PartitionFeed;
  #log: OwnershipLog | null = null;
  #reign: Reign | null = null;
  #named = false;
  #namedAt = 0;
  #drainBy = Infinity;
  #stopping = false;
  #living = false;
  /** The reign ended by a mistake: the next one does not begin at once. */
  #failed = false;

  constructor({ pod, partition, member, fence }: PartitionOwnerOptions) {
    this.partition = partition;
    this.#pod = pod;
    this.#member = member;
    this.#fence = fence;
    this.#feed = this.#newFeed();
  }

  named(): void {
    const again = this.#named;
    this.#named = true;
    this.#namedAt = this.#pod.clock.monotonic();
    if (again) {
      this.#feed.reassigned();
    } else {
      this.#drainBy = Infinity;
      // A reign that is still draining does not read any more; the next one gets a feed of its own.
      this.#feed = this.#newFeed();
    }
    this.#changes.notify();
    if (!this.#living && !this.#stopping) void this.#live();
  }

  unnamed(deadline: number): void {
    if (!this.#named) return;
    this.#named = false;
    this.#feed.detach();
    this.#drain(deadline);
  }

  async stop(deadline: number): Promise<void> {
    this.#stopping = true;
    const { clock } = this.#pod;
    // A takeover that has started nothing has nothing to finish: without Kafka it would only wait.
    const isServing = this.serving !== null && this.serving.parts !== null;
    const by = isServing ? deadline : Math.min(deadline, clock.monotonic() + limits.takeoverStopMs);
    this.#drain(by);
    await this.#changes.until(() => !this.#living || clock.monotonic() >= by);
    this.#reign?.end('drain-limit');
    this.#feed.holdAll();
  }

  readings(): readonly { readonly topic: string; readonly position: number }[] {
    return this.#feed.readings();
  }

  read(topic: FeedTopic, batch: Batch): void {
    this.#contain(() => this.#read(topic, batch));
  }

  #read(topic: FeedTopic, batch: Batch): void {
    if (!this.#feed.accept(topic, batch)) return;
    if (topic !== 'ownership') return this.serving?.read(topic, batch);
    this.#log?.read(batch, (news) => this.#onNews(news));
    this.#changes.notify();
  }

  outOfRange(topic: FeedTopic): void {
    const { serving } = this;
    presentEnds(this.#pod, topic, this.partition).then(
      (ends) => {
        if (ends === undefined || serving === null || this.serving !== serving) return;
        const isTier = topic !== 'ownership' && !isIntakeTopic(topic);
        if (isTier) serving.outOfRange(topic, ends);
        else if (ends.end < this.#feed.position(topic)) this.#beginAnew();
      },
      (error: unknown) => this.#pod.events.kafkaTrouble(error as Error),
    );
  }

  topicsAre(ids: ReadonlyMap<TopicId, string>, ownershipReplaced: boolean): void {
    const { serving } = this;
    if (serving === null || serving.parts === null || this.#reign?.draining !== false) return;
    const isOther = (topic: IntakeTopic): boolean =>
      isOtherTopic({ topicId: serving.topicId(topic) }, ids.get(topic) ?? '');
    if (ownershipReplaced || intakeTopics.some(isOther)) this.#beginAnew();
  }

  tick(): void {
    this.#contain(() => this.serving?.tick());
    // The session ends a reign that does nothing, too.
    this.#reign?.isOver();
    this.#changes.notify();
  }

  /**
   * A topic is another one, or ends before what was read of it: nothing is known to be done of it. The reign ends in good
   * order; the next one finds out what its progress still stands for.
   */
  #beginAnew(): void {
    this.#reign?.drain(drainDeadline(this.#pod.clock.monotonic()));
    this.serving?.drain();
    this.state = 'draining';
    this.#changes.notify();
  }

  /** A mistake in the work of one partition ends that partition's reign, not the process and the reigns of all. */
  #contain(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#pod.events.partitionFailed(this.partition, error as Error);
      this.#failed = true;
      this.#reign?.end('failed');
      this.#changes.notify();
    }
  }

  #newFeed(): PartitionFeed {
    return createPartitionFeed(this.#member, this.partition, (topic) => this.#pod.topic(topic));
  }

  #wanted(): boolean {
    return this.#named && !this.#stopping;
  }

  #drain(deadline: number): void {
    this.#drainBy = Math.min(this.#drainBy, deadline);
    this.#reign?.drain(deadline);
    this.serving?.drain();
    if (this.serving !== null) this.state = 'draining';
    this.#changes.notify();
  }

  #onNews(news: OwnershipNews): void {
    const { events } = this.#pod;
    if (news.kind === 'problem') events.ownershipProblem(this.partition, news.problem.detail);
    if (news.kind === 'progress' && !news.highest) this.serving?.overtaken();
    const reign = this.#reign;
    if (reign !== null && reign.epoch >= 0 && (this.#log?.state.epoch ?? -1) > reign.epoch) reign.end('newer-claim');
  }

  /** One reign after the other, as long as the group names us. */
  async #live(): Promise<void> {
    this.#living = true;
    while (this.#wanted()) {
      this.state = 'waiting';
      try {
        await this.#reignOnce();
      } catch (error) {
        // Nothing was lost: what is not done is still in the topics. Tried again on the next tick.
        this.#pod.events.takeoverFailed(this.partition, error as Error);
        this.#reign?.end('void-claim');
        this.#failed = true;
      }
      // A disk that is full or failing now will hardly be better at once.
      const over = this.#reign?.over;
      const failed = this.#failed || over === 'failed' || over === 'store-lost';
      this.#close();
      if (failed) await this.#nextTick();
      this.#failed = false;
    }
    this.#living = false;
    this.state = 'idle';
    this.#changes.notify();
  }

  #close(): void {
    const { serving } = this;
    if (serving !== null && serving.parts !== null)
      for (const topic of intakeTopics) this.#watermarks.set(topic, serving.watermark(topic));
    serving?.close();
    this.serving = null;
    this.#reign = null;
  }

  async #reignOnce(): Promise<void> {
    const options = this.#takeOverOptions();
    const claimed = await claimPartition(options);
    if (claimed === null) return;
    const { reign, adopted } = claimed;
    const serving = createServing({ pod: this.#pod, reign, feed: options.feed, adopted });
    this.serving = serving;
    this.state = reign.draining ? 'draining' : 'claimed';
    await beginServing(options, claimed, serving);
    if (reign.over === null && !reign.draining) {
      this.state = 'serving';
      this.#pod.events.serving(this.partition, reign.epoch);
    }
    await this.#changes.until(() => reign.over !== null || (reign.draining && serving.quiet));
    if (reign.over === null) await this.#release(reign, serving, options.feed);
    if (reign.over !== 'released') this.state = 'lost';
    this.#pod.events.reignEnded(this.partition, reign.epoch, reign.over ?? 'released');
  }

  async #release(reign: Reign, serving: Serving, feed: PartitionFeed): Promise<void> {
    // What is read from now on must not lead to a write behind the last progress.
    feed.holdAll();
    let acked = false;
    serving.release(() => {
      acked = true;
      this.#changes.notify();
    });
    await this.#changes.until(() => acked || reign.over !== null);
    reign.end('released');
  }

  #takeOverOptions(): TakeOverOptions {
    const feed = this.#feed;
    feed.holdAll();
    this.#log = null;
    return {
      ...{ pod: this.#pod, partition: this.partition, feed, fence: this.#fence, changes: this.#changes },
      processId: () => this.#member.membership.processId,
      wanted: () => this.#wanted() && feed === this.#feed,
      namedAt: () => this.#namedAt,
      onLog: (log) => {
        this.#log = log;
      },
      onReign: (reign) => {
        this.#reign = reign;
        if (!this.#wanted()) reign.drain(this.#drainBy);
      },
    };
  }

  async #nextTick(): Promise<void> {
    const { clock } = this.#pod;
    const until = clock.monotonic() + TRY_AGAIN_MS;
    await this.#changes.until(() => clock.monotonic() >= until || !this.#wanted());
  }
}
