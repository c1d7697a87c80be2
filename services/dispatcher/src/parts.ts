import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { limits, parseRevision, readDelivery } from '@postrider/core';
import { askFirst } from './ask-first.ts';
import { createDispatch, type Dispatch } from './dispatch-delivery.ts';
import { createEndings, type Endings } from './endings.ts';
import { createGoneEndpoints, type GoneEndpoints } from './gone-endpoints.ts';
import { createIntake, factsOfRow, readable, type Intake } from './intake.ts';
import { followGate } from './lane-gates.ts';
import { createHeldArrivals, type HeldArrivals } from './held-arrivals.ts';
import { createLanes, type Lanes } from './lanes.ts';
import { createOrdering, type Ordering } from './ordering.ts';
import { createPublish } from './publish-outcome.ts';
import { createRecentKeys } from './recent-keys.ts';
import { RowIndex, type RowFacts } from './row-index.ts';
import { createTierBook, type TierBook } from './tier-book.ts';
import { createWorkTable, type WorkTable } from './work-table.ts';
import type { DeliveryView, EndpointHolds, Tier } from '@postrider/core';
import type { PreparedEndpoint } from './endpoint-cache.ts';
import type { IntakeLedger } from './intake-ledger.ts';
import type { PartitionFeed } from './partition-feed.ts';
import type { Pod } from './pod.ts';
import type { Reign } from './reign.ts';
import type { WriteResult } from './result-record.ts';
import type { StoredDelivery, WaitingStore } from './waiting-store.ts';
import type { Work } from './work.ts';

/** What a reign works with once it may read, answer and start. */
export interface Parts {
  readonly store: WaitingStore;
  readonly book: TierBook;
  readonly table: WorkTable;
  readonly lanes: Lanes;
  readonly endings: Endings;
  readonly intake: Intake;
  readonly gone: GoneEndpoints;
  readonly ordering: Ordering;
  readonly held: HeldArrivals;
}

/** What the parts are made for. */
export interface PartsOptions {
  readonly pod: Pod;
  readonly reign: Reign;
  readonly feed: PartitionFeed;
  readonly ledger: IntakeLedger;
  /** Endpoints that answered 410. */
  readonly holds: EndpointHolds;
  /** Ends of the two topics of intake at the takeover. */
  readonly ends: { readonly live: number; readonly bulk: number };
  /** Where reading of `deliveries` begins. */
  readonly start: number;
  /** Calls back once a progress record is acknowledged that says what is done now. */
  readonly afterProgress: (callback: () => void) => void;
  readonly onLoaded: (tier: Tier) => void;
}

/** Wires the parts of one reign; nothing runs yet. */
export function createParts(options: PartsOptions): Parts {
  const { pod, reign, feed, ledger, holds, ends, start, afterProgress, onLoaded } = options;
  const { clock, events, scheduler, slices, meter } = pod;
  const store = pod.stores.create(reign.partition, () => reign.end('store-lost'));
  const rows = new RowIndex();
  const recent = createRecentKeys(() => clock.monotonic(), limits.recentKeysMax, limits.repeatLookBackMs);
  const lanes = createLanes({
    owner: {
      mayStart: () => !reign.draining && reign.mayAct(),
      start: (work) => takeOff(pod, parts, dispatch, work),
      takeDue: (lane) => table.takeDue(lane),
    },
    endpoints: pod.endpoints,
    view: pod.view,
    holds,
    scheduler,
    onGate: (lane) => followGate({ lane, table, endings, ordering, clock }),
    onGoOn: (lane) => ordering.reconsider(lane),
  });
  // Nothing may be half written when the partition is released: the next owner looks at what it was the turn of.
  const unlessDraining =
    <T>(act: (one: T) => void) =>
    (one: T) =>
      void (reign.draining || act(one));
  const ordering = createOrdering({
    ...{ start, rows },
    wakeArrival: unlessDraining((work) => intake.admit(work)),
    wakeRow: unlessDraining((row) => table.turn(row)),
  });
  const book = createTierBook({
    epoch: reign.epoch,
    partition: reign.partition,
    fullName: pod.topic,
    write: (record, acked, tooLarge) =>
      reign.write({ producer: pod.stateProducer, record, acked, ...(tooLarge && { tooLarge }) }),
    rowOf: (key) => table.rowOf(key),
    ...{ rows, store, slices, onLoaded },
    describe: (delivery) => describeRow(pod, parts, delivery),
    onRow: (row) => table.load(row),
    mayRead: (tier, may) => (may ? feed.run(tier) : feed.hold(tier)),
  });
  const writeResult = resultWriter(pod, reign);
  const writer = { clock, events, reign, attempts: pod.attempts, random: pod.randomId };
  const deadLetterTopic = pod.topic('dead-letters');
  const endings = createEndings({ ...writer, table: () => table, deadLetterTopic });
  const table: WorkTable = createWorkTable({
    ...{ reign, clock, slices, scheduler, meter, book, ledger, ordering, rows, store, recent, ends },
    ...{ unsettled: pod.unsettled, writeResult, endings, afterProgress },
    unreadable: (work) => endings.unreadable(work, unreadableDetail(table.bytesOf(work))),
  });
  const gone = createGoneEndpoints({
    ...{ holds, events, writeResult, endpoints: pod.endpoints, view: pod.view, operations: pod.operations },
    onHold: (endpointId) => lanes.refresh((lane) => lane.endpointId === endpointId),
  });
  const publish = createPublish({ ...writer, table, gone, operations: pod.operations, deadLetterTopic });
  const dispatch = createSending({ pod, reign, ends, endings, publish });
  const intake = createIntake({
    ...{ clock, feed, ledger, table, lanes, ordering, recent, meter, endings },
    ...{ rowBound: pod.rowBound, stores: pod.stores },
  });
  const held = createHeldArrivals({ lanes, ordering, table, endings, clock });

  const parts: Parts = { store, book, table, lanes, endings, intake, gone, ordering, held };
  return parts;
}

function resultWriter(pod: Pod, reign: Reign): WriteResult {
  return (result, acked) => {
    const ackedResult = (): void => {
      result.acked?.();
      acked();
    };
    reign.write({ producer: pod.resultProducer, ...result, acked: ackedResult });
  };
}

/** What makes attempts, and before them asks whether an earlier owner has. */
function createSending(parts: {
  readonly pod: Pod;
  readonly reign: Reign;
  readonly ends: PartsOptions['ends'];
  readonly endings: Endings;
  readonly publish: ReturnType<typeof createPublish>;
}): Dispatch {
  const { pod, reign, ends, endings, publish } = parts;
  const { clock, doneFilter } = pod;
  const send = createDispatch({
    ...{ clock, reign, publish },
    taken: (workKey) => doneFilter?.add(workKey),
    random: pod.randomFraction,
    send: pod.send,
    userAgent: pod.userAgent,
  });
  return askFirst({ filter: doneFilter, reign, ends, clock, endings }, send);
}

/** It is this delivery's turn: it is sent, or it ends because its time is over or its endpoint is gone. */
function takeOff(pod: Pod, { lanes, endings, table }: Parts, dispatch: Dispatch, work: Work): boolean {
  const { lane } = work;
  if (lane === null) return false;
  const endpoint = pod.endpoints.get(lane.endpointId);
  if (endpoint === undefined) {
    // Deleted a moment ago, and this lane has not been told yet.
    lanes.refresh((other) => other === lane);
    if (lane.gate.kind === 'cancel') endings.cancel(work, lane.gate.reason);
    else table.requeue(work);
    return false;
  }
  if (work.expiresAt <= pod.clock.now()) {
    endings.expire(work);
    return false;
  }
  const delivery = table.takeOff(work);
  if (delivery === undefined) return false;
  const view = (work.view ??= readDelivery(delivery.header));
  if (isCancelled(endpoint, view)) {
    endings.cancel(work, CancelReason.ENDPOINT_DISABLED);
    return false;
  }
  const { bytes } = work;
  dispatch({ work, view, delivery, endpoint, ended: () => pod.scheduler.ended(lane, bytes) });
  return true;
}

/** Whether it was pending when its endpoint was disabled without keeping what was: enabled again, it is not sent after all. */
function isCancelled({ cancelsBelow }: PreparedEndpoint, { endpointRevision }: DeliveryView): boolean {
  if (cancelsBelow === null) return false;
  const revision = parseRevision(endpointRevision);
  return revision !== null && revision < cancelsBelow;
}

/** What the index keeps of a row that is read; null when it cannot be read. */
function describeRow(pod: Pod, { lanes, gone }: Parts, delivery: StoredDelivery): RowFacts | null {
  const view = readable(delivery.header);
  if (typeof view === 'string') return null;
  gone.loaded(view);
  const lane = lanes.of(view.endpointId, view.tenant, view.endpointRevision);
  return factsOfRow(view, lane, delivery.header.length + delivery.body.length, pod.clock.now());
}

function unreadableDetail(delivery: StoredDelivery | undefined): string {
  const view = readable(delivery?.header);
  return typeof view === 'string' ? view : '';
}
