import { createHalfOpenBreaker, isBeingDeleted, limits, parseRevision } from '@postrider/core';
import { CancelReason } from '@postrider/contract/postrider/v1/attempt';
import { EndpointState, PendingPolicy } from '@postrider/contract/postrider/v1/endpoint';
import { isReached } from './admission.ts';
import { createLane, isForgettable, keptFor, setRate } from './lane.ts';
import type { Lane, LaneGate, LaneOwner, LaneStart } from './lane.ts';
import type { ConfigView } from '@postrider/config-view';
import type { AnsweringBook } from './answering-book.ts';
import type { ConfigEnd } from './config-end.ts';
import type { Clock, EndpointHolds, RandomFraction } from '@postrider/core';
import type { EgressPools } from './egress-pools.ts';
import type { Pauses } from './pauses.ts';
import type { EndpointCache, PreparedEndpoint } from './endpoint-cache.ts';
import type { Scheduler } from './scheduler.ts';
import type { Trouble } from './trouble.ts';

/** The lanes of one partition, each kept in step with its endpoint's configuration. */
export interface Lanes {
  /** The endpoint's lane, which has seen that a delivery was routed with this revision. */
  of(endpointId: string, tenant: string, revision: string): Lane;
  /** The endpoint asked for a pause: nothing of the lane starts for so long (ms), and never for longer than may be asked. */
  hold(lane: Lane, pauseMs: number): void;
  /** The last owner knew that the lane's endpoint fails: one request asks, unless it is known by now how it is. */
  failed(lane: Lane): void;
  /** Something changed for this lane alone. */
  judge(lane: Lane): void;
  all(): IteratorObject<Lane>;
  /** The endpoint's lane, if there is one. */
  find(endpointId: string): Lane | undefined;
  /** Something changed: judges lanes anew. `concerns` narrows it; lanes that wait for a revision are always looked at. */
  refresh(concerns?: (lane: Lane) => boolean): void;
  /** Forgets lanes that hold nothing; `now` is monotonic. */
  forget(now: number): void;
  /** Gives back what the lanes hold of the pod's capacity. */
  close(): void;
}

export interface LanesOptions {
  readonly clock: Clock;
  readonly random: RandomFraction;
  readonly owner: LaneOwner;
  readonly endpoints: EndpointCache;
  readonly view: Pick<ConfigView, 'reached' | 'snapshot' | 'knowsDeleted'>;
  readonly configEnd: ConfigEnd;
  readonly holds: Pick<EndpointHolds, 'isHeld'>;
  readonly scheduler: Scheduler;
  readonly pools: Pick<EgressPools, 'isOpen'>;
  readonly names: Pick<Trouble, 'isFailing'>;
  readonly pauses: Pick<Pauses, 'of'>;
  readonly answering: AnsweringBook;
  /** Requests in flight of a lane that nothing is known of. */
  readonly concurrencyStart: number;
  /** An endpoint's configuration makes preparing it throw. */
  readonly onUnusable: (endpointId: string, error: unknown) => void;
  /** The gate of a lane that holds something has changed. */
  readonly onGate: (lane: Lane) => void;
  /** What stopped behind a delivery that was given up goes on. */
  readonly onGoOn: (lane: Lane) => void;
}

/** No lanes yet. */
export function createLanes(options: LanesOptions): Lanes {
  const { owner, endpoints, scheduler, clock } = options;
  const lanes = new Map<string, Lane>();
  const unusable = new WeakSet<Lane>();

  function judge(lane: Lane): void {
    const before = lane.gate;
    const stopped = lane.stops;
    const endpoint = prepared(lane);
    // What cannot be prepared is kept until its configuration changes or it expires, like what cannot be read.
    lane.gate = endpoint === 'unusable' ? { kind: 'config' } : gateOf(lane, options);
    if (typeof endpoint === 'object') follow(lane, endpoint, options.answering, clock.monotonic());
    if (keptFor(before) !== null) lane.concurrency.restart(clock.monotonic());
    if (before.kind !== lane.gate.kind) options.onGate(lane);
    if (stopped && !lane.stops) options.onGoOn(lane);
    if (lane.gate.kind === 'open') scheduler.ready(lane);
  }

  function prepared(lane: Lane): PreparedEndpoint | 'unusable' | undefined {
    try {
      const endpoint = endpoints.get(lane.endpointId);
      unusable.delete(lane);
      return endpoint;
    } catch (error) {
      // Judged again every second: told when it begins.
      if (!unusable.has(lane)) options.onUnusable(lane.endpointId, error);
      unusable.add(lane);
      return 'unusable';
    }
  }

  return {
    of(endpointId, tenant, revision) {
      let lane = lanes.get(endpointId);
      if (lane === undefined) {
        lane = createLane(owner, endpointId, tenant, startOf(endpointId, options));
        lanes.set(endpointId, lane);
        raise(lane, revision, clock.monotonic());
        judge(lane);
      } else if (lane.revision !== revision && isAhead(revision, lane.revision)) {
        raise(lane, revision, clock.monotonic());
        if (!isReached(revision, options.view)) judge(lane);
      }
      return lane;
    },
    hold(lane, pauseMs) {
      if (pauseMs <= 0) return;
      const until = clock.monotonic() + Math.min(pauseMs, limits.retryAfterCapMs);
      lane.heldUntil = Math.max(lane.heldUntil, until);
    },
    failed(lane) {
      if (lane.breaker !== null || lane.workedAt !== -Infinity) return;
      lane.breaker = createHalfOpenBreaker(options.random, clock.monotonic());
    },
    judge,
    all: () => lanes.values(),
    find: (endpointId) => lanes.get(endpointId),
    refresh(concerns = () => true) {
      for (const lane of lanes.values()) if (lane.gate.kind === 'config' || concerns(lane)) judge(lane);
    },
    forget(now) {
      for (const lane of lanes.values())
        if (isForgettable(lane, now) && lanes.delete(lane.endpointId)) options.answering.keep(lane);
    },
    close() {
      for (const lane of lanes.values()) scheduler.drop(lane);
      lanes.clear();
    },
  };
}

function startOf(endpointId: string, { answering, concurrencyStart }: LanesOptions): LaneStart {
  return { answering: answering.take(endpointId), concurrency: concurrencyStart };
}

/** The lane does as its endpoint's configuration says. */
function follow(
  lane: Lane,
  { endpoint, target, ...prepared }: PreparedEndpoint,
  answering: AnsweringBook,
  now: number,
): void {
  lane.concurrency.setCap(prepared.concurrencyMax);
  lane.stops = prepared.stops;
  const host = target.kind === 'allow' ? target.host : '';
  if (host !== lane.host) lane.hostAnswering = host === '' ? lane.answering : answering.ofHost(host);
  lane.host = host;
  setRate(lane, prepared.rateCount, prepared.ratePeriodMs);
  // What fails may have been mended by what was changed.
  if (lane.judgedBy !== endpoint.revision) lane.breaker?.tryNow(now);
  lane.judgedBy = endpoint.revision;
}

function raise(lane: Lane, revision: string, now: number): void {
  lane.revision = revision;
  lane.revisionAt = now;
}

function isAhead(revision: string, than: string): boolean {
  return (parseRevision(revision) ?? -1n) > (parseRevision(than) ?? -1n);
}

/**
 * A delivery may be ahead of what this process has read. Its lane waits for that a while, for it takes a moment; then only
 * the delivery itself waits on (`admission.ts`), lest one that names what will never be hold up all others. But nothing
 * ends for lack of what may yet be read: an endpoint is gone only when all is read that stood on `config` when the delivery
 * was seen, and its deletion is the newest of it.
 */
function gateOf(lane: Lane, options: LanesOptions): LaneGate {
  const { view, clock, configEnd } = options;
  if (isReached(lane.revision, view)) {
    lane.aheadSince = null;
    return knownGate(lane, options);
  }
  lane.aheadSince ??= clock.monotonic();
  if (clock.monotonic() - lane.aheadSince < limits.configWaitMaxMs) return { kind: 'config' };
  const gate = knownGate(lane, options);
  if (gate.kind !== 'cancel') return gate;
  const isGone = configEnd.readSince(lane.revisionAt) && view.knowsDeleted('endpoint', lane.endpointId);
  return isGone ? gate : { kind: 'config' };
}

/** What is known of the endpoint says whether its lane may start anything. */
function knownGate(lane: Lane, { endpoints, view, holds, pools, names, pauses }: LanesOptions): LaneGate {
  const prepared = endpoints.get(lane.endpointId);
  if (prepared === undefined) return missing(lane, view);
  if (isLeaving(lane, view)) return { kind: 'cancel', reason: CancelReason.TENANT_DELETED };
  const { state, pending, revision } = prepared.endpoint;
  switch (state) {
    case EndpointState.ENABLED:
    // Only its verification starts: all else is kept when it is its turn (`admission.ts`).
    case EndpointState.PENDING_VERIFICATION:
      // What answered 410 is disabled as soon as the control plane has heard of it, and treated so until then.
      if (holds.isHeld(lane.endpointId, revision)) return { kind: 'disabled' };
      if (pauses.of({ tenant: lane.tenant, endpointId: lane.endpointId, pool: prepared.pool }).length > 0)
        return { kind: 'paused' };
      lane.waitsForNames &&= names.isFailing();
      lane.waitsForKey = !prepared.hasKey();
      return { kind: isWayOpen(lane) && pools.isOpen(prepared.pool) ? 'open' : 'way-out' };
    case EndpointState.DISABLED:
      if (pending === PendingPolicy.CANCEL) return { kind: 'cancel', reason: CancelReason.ENDPOINT_DISABLED };
      return { kind: 'disabled' };
    // What this version does not understand is kept, never sent and never dropped.
    case EndpointState.UNSPECIFIED:
    case EndpointState.UNRECOGNIZED:
      return { kind: 'disabled' };
  }
}

function isWayOpen({ waitsForNames, waitsForKey }: Lane): boolean {
  return !waitsForNames && !waitsForKey;
}

function isLeaving({ tenant }: Lane, view: LanesOptions['view']): boolean {
  return isBeingDeleted(view.snapshot().tenant(tenant));
}

function missing(lane: Lane, view: LanesOptions['view']): LaneGate {
  const snapshot = view.snapshot();
  if (snapshot.unreadable('endpoint', lane.endpointId) !== undefined) return { kind: 'config' };
  if (snapshot.unreadable('tenant', lane.tenant) !== undefined) return { kind: 'config' };
  const reason =
    snapshot.tenant(lane.tenant) === undefined || isLeaving(lane, view)
      ? CancelReason.TENANT_DELETED
      : CancelReason.ENDPOINT_DELETED;
  return { kind: 'cancel', reason };
}
