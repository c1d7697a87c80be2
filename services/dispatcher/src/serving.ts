import {
  TIERS,
  createEndpointHolds,
  type EndpointHolds,
  type IntakeProgress,
  type OwnershipProgress,
  type Tier,
} from '@postrider/core';
import {
  createIntakeLedger,
  intakeTopics,
  isIntakeTopic,
  type IntakeLedger,
  type IntakeTopic,
} from './intake-ledger.ts';
import { createParts, type Parts } from './parts.ts';
import { createProgressWriter, type ProgressWriter } from './progress-writer.ts';
import { createFullMemory, type FullMemory } from './full-memory.ts';
import { createStuckHead, type StuckHead } from './stuck-head.ts';
import type { Batch } from '@postrider/kafka';
import { createTierStarts, type TierStarts } from './tier-starts.ts';
import { enqueue, keptFor, takeArrival, type Lane } from './lane.ts';
import type { Endings } from './endings.ts';
import type { PartitionFeed } from './partition-feed.ts';
import type { Pod } from './pod.ts';
import type { Reign } from './reign.ts';

/** Where a topic of the partition begins and ends. */
export interface Ends {
  readonly low: number;
  readonly end: number;
}

/** Where everything stood when the partition was taken over (design rule 4). */
export interface TakeoverEnds {
  readonly tiers: ReadonlyMap<Tier, Ends>;
  /** `start`: where reading begins; `from`: what is done. */
  readonly intake: ReadonlyMap<IntakeTopic, Ends & { readonly start: number; readonly from: IntakeProgress }>;
}

/** A reign at work: what is read is taken in, loaded or answered; what may start starts; what is done is written. */
export interface Serving {
  /** What is done of the topics as they are now. Before the first progress is written. */
  bound(ends: TakeoverEnds): void;
  /** The adopted progress under this epoch; nothing else may be written before it is acknowledged. */
  writeFirstProgress(released: boolean, acked: () => void): void;
  /** Reads, answers and starts from now on; the tiers are loaded in order. */
  start(ends: TakeoverEnds): void;
  read(topic: IntakeTopic | Tier, batch: Batch): void;
  /** The wanted offset of a tier is gone. */
  outOfRange(tier: Tier, range: Ends): void;
  /** A progress record that says less than ours stands behind it. */
  overtaken(): void;
  /** Called every second. */
  tick(): void;
  /** Starts nothing more. */
  drain(): void;
  /** Nothing is in flight and every write is acknowledged. */
  readonly quiet: boolean;
  /** The last progress, marked as released. */
  release(acked: () => void): void;
  /** The reign is over: everything is given back. */
  close(): void;
  /** What is done, for group commits. */
  watermark(topic: IntakeTopic): number;
  /** Kafka's id of the topic that is read; empty: not known. */
  topicId(topic: IntakeTopic): string;
  /** Offsets taken and not all done. */
  rangeSize(topic: IntakeTopic): number;
  readonly parts: Parts | null;
}

/** What a reign serves with; `adopted` is the progress that holds. */
export interface ServingOptions {
  readonly pod: Pod;
  readonly reign: Reign;
  readonly feed: PartitionFeed;
  readonly adopted: OwnershipProgress | null;
}

/** A reign that has not started to read. */
export function createServing(options: ServingOptions): Serving {
  return new OneServing(options);
}

class OneServing implements Serving {
  parts: Parts | null = null;
  readonly #pod: Pod;
  readonly #reign: Reign;
  readonly #feed: PartitionFeed;
  readonly #ledger: IntakeLedger;
  readonly #holds: EndpointHolds;
  readonly #tierStarts: TierStarts;
  readonly #progress: ProgressWriter;
  #tierEnds: TakeoverEnds['tiers'] = new Map();
  #heads: readonly StuckHead[] = [];
  #memory: FullMemory | null = null;
  #stopListening: readonly (() => void)[] = [];

  constructor({ pod, reign, feed, adopted }: ServingOptions) {
    this.#pod = pod;
    this.#reign = reign;
    this.#feed = feed;
    this.#holds = createEndpointHolds(adopted?.holds);
    this.#tierStarts = createTierStarts(pod, reign, adopted?.tiers);
    this.#ledger = createIntakeLedger(adopted?.intake, () => {
      this.#progress.completed();
      this.parts?.intake.resume();
    });
    const topic = pod.topic('ownership');
    this.#progress = createProgressWriter({
      ...{ reign, topic, ledger: this.#ledger, holds: this.#holds, tierStarts: this.#tierStarts },
      ...{ producer: pod.stateProducer, clock: pod.clock, address: pod.address },
    });
  }

  bound({ intake }: TakeoverEnds): void {
    for (const [topic, { from }] of intake) this.#ledger.goOnFrom(topic, from);
  }

  writeFirstProgress(released: boolean, acked: () => void): void {
    this.#progress.write(released, acked);
  }

  start({ tiers, intake }: TakeoverEnds): void {
    const ends = { live: intake.get('deliveries')?.end ?? 0, bulk: intake.get('deliveries.bulk')?.end ?? 0 };
    const ledger = this.#ledger;
    this.#tierEnds = this.#tierStarts.begin(tiers);
    const parts = createParts({
      ...{ pod: this.#pod, reign: this.#reign, feed: this.#feed, ledger, holds: this.#holds, ends },
      loadFrom: this.#tierStarts.loadFrom,
      start: intake.get('deliveries')?.start ?? 0,
      afterProgress: (callback) => this.#progress.after(callback),
      onLoaded: (tier) => this.#loaded(tier),
    });
    this.parts = parts;
    const freeing = { ...this.#pod, ...parts, slices: parts.sweeps, reign: this.#reign };
    this.#heads = intakeTopics.map((topic) => createStuckHead({ ...freeing, topic, ledger }));
    this.#memory = createFullMemory(freeing);
    const judgeAll = (): void => {
      if (this.#reign.over === null && !this.#reign.draining) parts.lanes.refresh();
    };
    this.#stopListening = [
      this.#pod.view.onChange((changes) => {
        const ids = new Set(changes.map(({ id }) => id));
        if (this.#reign.over === null && !this.#reign.draining)
          parts.lanes.refresh(({ endpointId, tenant }) => ids.has(endpointId) || ids.has(tenant));
      }),
      this.#pod.pools.onChange(judgeAll),
      this.#pod.names.onChange(judgeAll),
      this.#pod.dataKeys.onChange(judgeAll),
      this.#pod.reach.onChange(() => {
        // Whoever failed lately may not have failed at all.
        for (const { breaker } of parts.lanes.all()) breaker?.tryNow(this.#pod.clock.monotonic());
        judgeAll();
        parts.intake.resume();
      }),
      this.#pod.pauses.onChange(judgeAll),
      this.#pod.meter.onRoom(() => parts.intake.resume()),
      this.#pod.bulkMeter.onRoom(() => parts.intake.resume()),
      this.#pod.rowBound.add({
        rows: () => parts.table.rows.size,
        lanes: () => parts.lanes.all(),
        onRoom: () => parts.intake.resume(),
      }),
    ];
    for (const topic of intakeTopics) this.#feed.seek(topic, intake.get(topic)?.start ?? 0);
    this.#load(TIERS[0]);
    parts.intake.resume();
  }

  read(topic: IntakeTopic | Tier, batch: Batch): void {
    if (this.parts === null || this.#reign.over !== null) return;
    if (!isIntakeTopic(topic)) return this.parts.book.read(topic, batch);
    if (!this.#reign.draining) this.parts.intake.read(topic, batch);
  }

  outOfRange(tier: Tier, { low }: Ends): void {
    // What retention took from the tier does not have to be loaded any more.
    this.parts?.book.passed(tier, low);
  }

  overtaken(): void {
    this.#progress.overtaken();
  }

  tick(): void {
    if (!this.#reign.mayAct() || this.parts === null || this.#reign.draining) return;
    const { lanes, endings, gone, intake } = this.parts;
    gone.tick();
    this.parts.table.tick();
    this.#tierStarts.tick();
    this.#progress.tick();
    const { held } = this.#reign;
    this.#reign.held = false;
    // Who waits for a key says so again and again: a KMS is asked only for what somebody needs.
    lanes.refresh(({ waitsForKey }) => held || waitsForKey);
    for (const lane of lanes.all()) {
      expireArrivals(lane, endings, this.#pod.clock.now());
      // Its host may have answered others since it was given its place.
      if (lane.rotating === 'unanswered') this.#pod.scheduler.ready(lane);
    }
    this.parts.held.tick();
    for (const head of this.#heads) head.tick();
    this.#memory?.tick();
    // The stores do not tell when there is room again.
    intake.resume();
    lanes.forget(this.#pod.clock.monotonic());
  }

  drain(): void {
    this.parts?.intake.stop();
  }

  get quiet(): boolean {
    return this.#reign.writing === 0 && (this.parts === null || this.parts.table.active === 0);
  }

  release(acked: () => void): void {
    this.parts?.book.close();
    this.#progress.write(true, acked);
  }

  close(): void {
    for (const stop of this.#stopListening) stop();
    this.parts?.book.close();
    this.parts?.lanes.close();
    this.parts?.table.close();
    this.parts = null;
  }

  watermark(topic: IntakeTopic): number {
    return this.#ledger.range(topic).watermark;
  }

  topicId(topic: IntakeTopic): string {
    return this.#ledger.topicId(topic);
  }

  rangeSize(topic: IntakeTopic): number {
    return this.#ledger.range(topic).size;
  }

  #load(tier: Tier): void {
    const ends = this.#tierEnds.get(tier) ?? { low: 0, end: 0 };
    this.#feed.seek(tier, ends.low);
    this.#feed.run(tier);
    this.parts?.book.begin(tier, ends);
  }

  #loaded(tier: Tier): void {
    this.#pod.events.tierLoaded(this.#reign.partition, tier, this.parts?.table.rows.size ?? 0);
    const next = TIERS[TIERS.indexOf(tier) + 1];
    if (next !== undefined) this.#load(next);
    else this.#allLoaded();
  }

  #allLoaded(): void {
    if (this.parts === null) return;
    const { ordering, lanes, walks } = this.parts;
    ordering.allLoaded();
    // Rows that were loaded after their lane was found disabled, and what in order could not be put before.
    for (const lane of lanes.all()) if (keptFor(lane.gate) !== null) walks.follow(lane);
  }
}

/** What its lane cannot start for long has no other moment at which its expiry is looked at. */
function expireArrivals(lane: Lane, endings: Endings, now: number): void {
  if (now < lane.arrivalsExpireAt) return;
  lane.arrivalsExpireAt = Infinity;
  for (let left = lane.queuedArrivals; left > 0; left -= 1) {
    const work = takeArrival(lane);
    if (work === undefined) return;
    if (work.expiresAt <= now) endings.expire(work);
    else enqueue(lane, work, 'arrivals');
  }
}
