import { breakerEvents, type BreakerEvents } from './breaker-news.ts';
import { attemptLine, attemptTeller } from './attempt-events.ts';
import { faultEvents, type FaultEvents } from './fault-events.ts';
import { topicEvents, type TopicEvents } from './topic-events.ts';
import { destinationEvents, type DestinationEvents } from './destination-events.ts';
import { doneFilterEvents, type DoneFilterEvents } from './done-filter-events.ts';
import { keyEvents, type KeyEvents } from './key-events.ts';
import { idsOf } from './delivery-ids.ts';
import type { CancelReason, DeadReason } from '@postrider/contract/postrider/v1/attempt';
import type { Drain } from '@postrider/contract/postrider/v1/drain';
import type { AttemptFields, DeliveryView } from '@postrider/core';
import { noSpans, type Counter, type Logger, type Metrics, type Spans } from '@postrider/runtime';
import type { ReignEnd } from './reign.ts';
import type { EndpointRows } from './row-bound.ts';
import type { Work } from './work.ts';

/** What happens in the business of a dispatcher: each helper counts and tells its event. No payloads, no secrets. */
export type DispatcherEvents = DeliveryEvents &
  PartitionEvents &
  BreakerEvents &
  DoneFilterEvents &
  DestinationEvents &
  FaultEvents &
  KeyEvents &
  TopicEvents;

/** What happens to deliveries and their endpoints. */
export interface DeliveryEvents {
  /** One HTTP request of a delivery has its result: the one wide line per attempt. */
  attempted(attempt: AttemptFields, work: Work): void;
  /** An answer asked to wait in words that cannot be understood: the schedule's own delay holds. */
  retryAfterIgnored(delivery: DeliveryView): void;
  deadLettered(delivery: DeliveryView, reason: DeadReason): void;
  /** A delivery was given up, and what stands behind it in its order waits for a person. */
  laneStopped(delivery: DeliveryView, reason: DeadReason): void;
  /** The endpoint answered 410: nothing more is sent until its configuration has changed. */
  endpointGone(delivery: DeliveryView, revision: string): void;
  cancelled(delivery: DeliveryView, reason: CancelReason): void;
  unreadable(partition: number, key: string, detail: string): void;
}

/** What happens to partitions. */
export interface PartitionEvents {
  /** The brokers refuse a record for good; it is tried again, and its delivery waits. */
  writeRefused(topic: string, partition: number, error: Error): void;
  /** More waits than the process may hold: nothing more is taken in. */
  rowsFull(rows: number, largest: readonly EndpointRows[]): void;
  takeoverWaits(partition: number, owner: string, waitMs: number): void;
  takeoverFailed(partition: number, error: Error): void;
  /** A mistake in the work of a partition: its reign is over, and a new one begins in a while. */
  partitionFailed(partition: number, error: Error): void;
  /** There is more to read of a partition, and for `forMs` nothing has been. */
  readingStalled(stalled: {
    readonly topic: string;
    readonly partition: number;
    readonly position: number;
    readonly end: number;
    readonly forMs: number;
  }): void;
  claimed(partition: number, epoch: number, why: string): void;
  serving(partition: number, epoch: number): void;
  tierLoaded(partition: number, tier: string, rows: number): void;
  reignEnded(partition: number, epoch: number, how: ReignEnd): void;
  /** A person drains this process, or null: does so no more. */
  drained(drain: Drain | null): void;
  ownershipProblem(partition: number, detail: string): void;
  /** The bytes of a partition's waiting deliveries are lost, on disk or in memory: it is taken over anew. */
  storeLost(partition: number, where: 'disk' | 'memory', error: Error): void;
  /** The disk has failed again and again: for so long (ms) new stores are in memory. */
  storeInMemory(forMs: number): void;
  /** The stores are nearly full: nothing more is taken in. */
  storesFull(bytes: number): void;
  kafkaTrouble(error: Error): void;
}

const latencyBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Events that go to a log and to metrics. */
export function createEvents(log: Logger, metrics: Metrics, spans: Spans = noSpans): DispatcherEvents {
  return {
    ...deliveryEvents(log, metrics, spans),
    ...partitionEvents(log, metrics),
    ...keyEvents(log, metrics),
    ...breakerEvents(log, metrics),
    ...topicEvents(log, metrics),
    ...destinationEvents(log),
    ...doneFilterEvents(log, metrics),
    ...faultEvents(log, metrics),
  };
}

function deliveryEvents(log: Logger, metrics: Metrics, spans: Spans): DeliveryEvents {
  const told = attemptTeller(metrics, spans);
  const attempts = metrics.counter('postrider_attempts', 'HTTP requests made, by outcome and decision', [
    'outcome',
    'decision',
  ]);
  const seconds = metrics
    .histogram('postrider_attempt_duration_seconds', 'How long attempts took', latencyBounds)
    .with({});
  // Looked up for every delivery: by the two words themselves.
  const series = new Map<string, Counter>();
  const attemptsOf = (outcome: string, decision: string): Counter => {
    const key = `${outcome} ${decision}`;
    let found = series.get(key);
    if (found === undefined) series.set(key, (found = attempts.with({ outcome, decision })));
    return found;
  };
  const dead = metrics.counter('postrider_dead_letters', 'Deliveries given up, by reason', ['reason']);
  const stopped = metrics.counter(
    'postrider_lanes_stopped',
    'Ordered deliveries given up that stop what is behind them',
    ['reason'],
  );
  const cancelled = metrics.counter('postrider_cancelled_deliveries', 'Deliveries cancelled, by reason', ['reason']);
  const ignored = metrics
    .counter('postrider_retry_after_ignored', 'Answers whose Retry-After could not be understood', [])
    .with({});
  const gone = metrics.counter('postrider_endpoints_gone', 'Endpoints that answered 410 and are held', []).with({});
  return {
    attempted(attempt, work) {
      told(attempt, work);
      attemptsOf(attempt.outcome, attempt.decision.kind).add();
      seconds.record((attempt.timings.total ?? 0) / 1_000);
      log.info(attemptLine(attempt), 'delivery.attempted');
    },
    retryAfterIgnored(delivery) {
      ignored.add();
      log.debug(idsOf(delivery), 'the answer’s Retry-After cannot be understood');
    },
    deadLettered(delivery, reason) {
      dead.with({ reason }).add();
      log.warn({ ...idsOf(delivery), reason, attempt: delivery.attempt }, 'delivery.dead');
    },
    laneStopped(delivery, reason) {
      stopped.with({ reason }).add();
      log.warn({ ...idsOf(delivery), reason }, 'lane.stopped');
    },
    endpointGone(delivery, revision) {
      gone.add();
      log.warn({ ...idsOf(delivery), revision }, 'endpoint.gone');
    },
    cancelled(delivery, reason) {
      cancelled.with({ reason }).add();
      log.info({ ...idsOf(delivery), reason }, 'delivery.cancelled');
    },
    unreadable(partition, key, detail) {
      dead.with({ reason: 'DEAD_REASON_UNREADABLE' }).add();
      log.error({ partition, key, detail }, 'delivery.unreadable');
    },
  };
}

function partitionEvents(log: Logger, metrics: Metrics): PartitionEvents {
  const refused = metrics.counter('postrider_refused_writes', 'Records that the brokers refused for good', ['topic']);
  const full = metrics
    .counter('postrider_rows_full', 'Alarms: more waited than the process may hold, so that intake stood still', [])
    .with({});
  const reigns = metrics.counter('postrider_reigns_ended', 'Partitions given up or lost, by how', ['how']);
  const stalled = metrics.counter('postrider_reading_stalled', 'Times that reading of a partition stood still', [
    'topic',
  ]);
  const storesLost = metrics.counter('postrider_stores_lost', 'Stores of waiting deliveries that were lost', ['where']);
  return {
    writeRefused(topic, partition, error) {
      refused.with({ topic }).add();
      log.error(
        { topic, partition, error },
        'a record is refused by the brokers; its delivery waits until it is taken',
      );
    },
    rowsFull(rows, largest) {
      full.add();
      log.error({ rows, largest }, 'dispatcher.full: more waits than may be held; nothing more is taken in');
    },
    takeoverWaits: (partition, owner, waitMs) =>
      log.info({ partition, owner, waitMs }, 'partition.waiting: its last owner is still a member of the group'),
    takeoverFailed: (partition, error) =>
      log.error({ partition, error }, 'the partition cannot be taken over; trying again'),
    partitionFailed: (partition, error) =>
      log.error({ partition, error }, 'the work of a partition failed; it is taken over anew'),
    readingStalled(stall) {
      stalled.with({ topic: stall.topic }).add();
      log.error(stall, 'reading stands still although there is more to read: its connections are renewed');
    },
    claimed: (partition, epoch, why) => log.info({ partition, epoch, why }, 'partition.claimed'),
    serving: (partition, epoch) => log.info({ partition, epoch }, 'partition.serving'),
    tierLoaded: (partition, tier, rows) => log.info({ partition, tier, rows }, 'partition.tier-loaded'),
    reignEnded(partition, epoch, how) {
      reigns.with({ how }).add();
      if (how === 'released') log.info({ partition, epoch }, 'partition.released');
      else log.warn({ partition, epoch, how }, 'partition.lost');
    },
    drained(drain) {
      if (drain === null) return log.info({}, 'dispatcher.undrained: it takes part again');
      log.warn({ actor: drain.actor, reason: drain.reason }, 'dispatcher.drained: its partitions go to the others');
    },
    ownershipProblem: (partition, detail) => log.error({ partition, detail }, 'a record of ownership is not usable'),
    storeLost(partition, where, error) {
      storesLost.with({ where }).add();
      log.error(
        { partition, where, error },
        'the store of waiting deliveries is lost; the partition is taken over anew, nothing else is lost',
      );
    },
    storesFull: (bytes) =>
      log.error(
        { bytes },
        'dispatcher.full: waiting deliveries take nearly all the room that they may; nothing more is taken in',
      ),
    storeInMemory: (forMs) =>
      log.error({ forMs }, 'the scratch disk fails again and again; waiting deliveries are held in memory for a while'),
    kafkaTrouble: (error) => log.warn({ error }, 'Kafka cannot be reached or the group is unsettled; trying again'),
  };
}
