import { limits } from '@postrider/core';
import { askFirst } from './ask-first.ts';
import { createDispatch, type Dispatch } from './dispatch-delivery.ts';
import { createEndings, type Endings } from './endings.ts';
import { createGoneEndpoints, type GoneEndpoints } from './gone-endpoints.ts';
import { containedEndings, containedSlices, createFaults, type Faults } from './faults.ts';
import { createIntake, type Intake } from './intake.ts';
import { createHeldArrivals, type HeldArrivals } from './held-arrivals.ts';
import { createLaneWalks, type LaneWalks, type LaneWalksOptions } from './lane-walks.ts';
import { createLanes, type Lanes } from './lanes.ts';
import { describeRow, whyUnusable } from './loaded-row.ts';
import { createOrdering, type Ordering } from './ordering.ts';
import { createPublish } from './publish-outcome.ts';
import { createRecentKeys } from './recent-keys.ts';
import { RowIndex } from './row-index.ts';
import { createTierBook, type TierBook } from './tier-book.ts';
import { createTakeOff } from './take-off.ts';
import { usableDelivery, type Usable } from './usable-delivery.ts';
import type { Slices } from './slices.ts';
import { createWorkTable, type WorkTable } from './work-table.ts';
import type { EndpointHolds, Tier } from '@postrider/core';
import { topicOf, type IntakeEnds, type IntakeLedger } from './intake-ledger.ts';
import type { IntakeOffset } from './work.ts';
import type { PartitionFeed } from './partition-feed.ts';
import type { Pod } from './pod.ts';
import type { Reign } from './reign.ts';
import type { WriteResult } from './result-record.ts';
import type { TierStarts } from './tier-starts.ts';
import type { WaitingStore } from './waiting-store.ts';

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
  readonly walks: LaneWalks;
  /** For what has time, of this reign. */
  readonly sweeps: Slices;
}

/** What the parts are made for. */
export interface PartsOptions {
  readonly pod: Pod;
  readonly reign: Reign;
  readonly feed: PartitionFeed;
  readonly ledger: IntakeLedger;
  /** Endpoints that answered 410. */
  readonly holds: EndpointHolds;
  readonly loadFrom: TierStarts['loadFrom'];
  /** Ends of the two topics of intake at the takeover. */
  readonly ends: IntakeEnds;
  /** Where reading of `deliveries` begins. */
  readonly start: number;
  /** Calls back once a progress record is acknowledged that says what is done now. */
  readonly afterProgress: (callback: () => void) => void;
  readonly onLoaded: (tier: Tier) => void;
}

const rememberedKeys = {
  keysMax: limits.recentKeysMax,
  ageMs: limits.repeatLookBackMs,
};

/** Wires the parts of one reign; nothing runs yet. */
export function createParts(options: PartsOptions): Parts {
  const { pod, reign, feed, ledger, holds, loadFrom, ends, start, afterProgress, onLoaded } = options;
  const { clock, events, scheduler, meter, bulkMeter } = pod;
  const faults = createFaults({ clock, events, reign, table: () => table, endings: () => endings });
  const { slices, sweeps } = slicesOf(pod, faults);
  const usable = usableIn(pod, reign);
  const sinceEpoch = (at: IntakeOffset): number => ledger.sinceEpoch(topicOf(at));
  const judge = { usable, ends, sinceEpoch, now: () => clock.now(), onFault: events.loadFault };
  const store = pod.stores.create(reign.partition, () => reign.end('store-lost'));
  const rows = new RowIndex();
  const recent = createRecentKeys(rememberedKeys);
  const lanes = createLanes({
    owner: {
      mayStart: () => !reign.draining && reign.mayAct(),
      start: (work, kind) => takeOff(work, kind),
      takeDue: (lane) => table.takeDue(lane),
    },
    ...{ clock, view: pod.view, configEnd: pod.configEnd, endpoints: pod.endpoints },
    ...{ holds, scheduler, pools: pod.pools, names: pod.names, pauses: pod.pauses, answering: pod.answering },
    ...{ concurrencyStart: pod.concurrencyStart, random: pod.randomFraction },
    onUnusable: events.endpointUnusable,
    onGate: (lane) => walks.follow(lane),
    onGoOn: (lane) => ordering.reconsider(lane),
  });
  // Nothing may be half written when the partition is released: the next owner looks at what it was the turn of.
  const unlessDraining =
    <T>(act: (one: T) => void) =>
    (one: T): void => {
      if (!reign.draining && reign.over === null) act(one);
    };
  const ordering = createOrdering({
    ...{ start, rows, slices },
    wakeArrival: unlessDraining((work) => intake.admit(work)),
    wakeRow: unlessDraining((row) => table.ready(row)),
  });
  const book = createTierBook({
    epoch: reign.rowEpoch,
    partition: reign.partition,
    fullName: pod.topic,
    write: (record, acked, tooLarge) =>
      reign.write({ producer: pod.stateProducer, record, acked, ...(tooLarge && { tooLarge }) }),
    rowOf: (key) => table.rowOf(key),
    ...{ rows, store, slices, loadFrom, onLoaded, loading: pod.loading },
    describe: (row) => describeRow({ ...judge, lanes, onView: (view) => gone.loaded(view) }, row),
    onRow: (row) => table.load(row),
    mayRead: (tier, may) => (may ? feed.run(tier) : feed.hold(tier)),
  });
  const writeResult = resultWriter(pod, reign);
  const writer = { clock, events, reign, ...resultsOf(pod) };
  const told = { ...writer, endpoints: pod.endpoints, view: pod.view, table: () => table };
  const endings = containedEndings(createEndings(told), faults.failed);
  const table: WorkTable = createWorkTable({
    ...{ reign, clock, slices, scheduler, meter, bulkMeter, book, ledger, ordering, rows, store, recent, ends },
    ...{ unsettled: pod.unsettled, writeResult, endings, afterProgress },
    followGate: (lane) => walks.follow(lane),
    unreadable: (work) => endings.unreadable(work, whyUnusable(usable, work.key, table.bytesOf(work)?.header)),
  });
  const walks = createWalks(pod, { reign, slices, ordering, endings, table: () => table });
  const gone = createGone(pod, { holds, writeResult, lanes });
  const publish = createPublish({ ...writer, table, gone, lanes });
  const dispatch = createSending({ pod, reign, ends, endings, publish, faults });
  const takeOff = createTakeOff({ pod, lanes, endings, table, dispatch, faults });
  const intake = createIntake({
    ...{ clock, feed, ledger, table, lanes, ordering, recent, meter, bulkMeter, endings, faults, usable },
    ...{ rowBound: pod.rowBound, stores: pod.stores, reach: pod.reach, scheduler: pod.scheduler },
  });
  const held = createHeldArrivals({ lanes, ordering, table, endings, clock });

  return { store, book, table, lanes, endings, intake, gone, walks, ordering, held, sweeps };
}

function slicesOf({ slices, sweeps }: Pod, faults: Faults): { readonly slices: Slices; readonly sweeps: Slices } {
  return { slices: containedSlices(slices, faults), sweeps: containedSlices(sweeps, faults) };
}

/** Where results go, and what their ids are made of. */
function resultsOf({ attempts, operations, randomId: random, randomFraction, topic }: Pod) {
  return { attempts, operations, random, randomFraction, deadLetterTopic: topic('dead-letters') };
}

function createWalks(pod: Pod, parts: Omit<LaneWalksOptions, 'clock' | 'unsettled'>): LaneWalks {
  return createLaneWalks({ ...parts, clock: pod.clock, unsettled: pod.unsettled });
}

function createGone(
  { events, endpoints, view, operations }: Pod,
  parts: { readonly holds: EndpointHolds; readonly writeResult: WriteResult; readonly lanes: Lanes },
): GoneEndpoints {
  const { holds, writeResult, lanes } = parts;
  const onHold = (endpointId: string): void => lanes.refresh((lane) => lane.endpointId === endpointId);
  return createGoneEndpoints({ holds, endpoints, view, operations, events, writeResult, onHold });
}

function resultWriter(pod: Pod, reign: Reign): WriteResult {
  const producer = pod.resultProducer;
  return ({ record, smaller, acked: also }, acked) => {
    if (also === undefined) return reign.write({ producer, record, smaller, acked });
    const both = (): void => {
      also();
      acked();
    };
    reign.write({ producer, record, smaller, acked: both });
  };
}

/** What makes attempts, and before them asks whether an earlier owner has. */
function createSending(parts: {
  readonly pod: Pod;
  readonly reign: Reign;
  readonly ends: PartsOptions['ends'];
  readonly endings: Endings;
  readonly publish: ReturnType<typeof createPublish>;
  readonly faults: Faults;
}): Dispatch {
  const { pod, reign, ends, endings, publish, faults } = parts;
  const { clock, doneFilter } = pod;
  const send = createDispatch({
    ...{ clock, reign, publish },
    failed: faults.failed,
    taken: (workKey) => doneFilter?.add(workKey),
    random: pod.randomFraction,
    send: pod.send,
    judge: pod.reach.judge,
    userAgent: pod.userAgent,
    origin: pod.origin,
  });
  return askFirst({ filter: doneFilter, reign, ends, clock, endings }, send);
}

/** Judges what is read by where it stands. */
function usableIn({ view, clock, events }: Pod, { partition }: Reign): Usable {
  return (header) => usableDelivery(header, { partition, layout: view.snapshot().layout, now: clock.now() }, events);
}
