import { createStretch, createTenantParts, createWorkShares, limits, workKinds } from '@postrider/core';
import { askedBy, firstKind, hasWork, isBulkTurn, openAt, takeNext, unheardKind } from './lane.ts';
import { createTurns, type Turns } from './turns.ts';
import type { Clock, Stretch, TenantParts, WorkKind, WorkShares } from '@postrider/core';
import type { DestinationCap } from './destination-cap.ts';
import type { Lane } from './lane.ts';
import type { Reach } from './reach.ts';

/**
 * What the pod may have in flight, and whose turn it is: first a kind of work by its share, then a tenant, one that has less
 * in flight than its part before all others, then a lane of it.
 */
export interface Scheduler {
  /** The lane may have something to start. Starts what can be started. */
  ready(lane: Lane): void;
  /** A request of the lane has ended that was started as work of this kind. */
  ended(lane: Lane, bytes: number, kind: WorkKind): void;
  /** A delivery is settled: there may be room again. */
  written(): void;
  /** The lane's owner is gone: what it has in flight counts no more. */
  drop(lane: Lane): void;
  readonly inFlight: number;
  inFlightAs(kind: WorkKind): number;
  readonly bytesInFlight: number;
  /** Whether the pod as a whole may start one more. */
  readonly hasRoom: boolean;
  /** It may start more, and has started all that it could: whatever waits does not wait for this process. */
  readonly isIdle: boolean;
}

/** What of the pod's writes keeps requests from starting. */
export interface Unwritten {
  /** Deliveries of which something is not acknowledged yet. */
  readonly records: number;
}

/** The part of `limits` that matters here; tests narrow it. */
export interface SchedulerLimits {
  readonly podInFlightMax: number;
  readonly podInFlightBytesMax: number;
  readonly laneInFlightFraction: number;
  readonly startsTogetherMax: number;
}

/**
 * An idle scheduler. What a crash may repeat is what is in flight and what is not written: so deliveries that are
 * not settled are bounded like requests, and nothing starts while there are that many. `cap`: what destinations may be sent; `reach`:
 * how often anything may start at all.
 */
export function createScheduler(
  clock: Clock,
  unwritten: Unwritten,
  bounds: SchedulerLimits = limits,
  cap: DestinationCap | null = null,
  reach: Pick<Reach, 'mayStart' | 'started'> | null = null,
): Scheduler {
  return new FairTurns({ clock, unwritten, bounds, cap, reach });
}

interface SchedulerParts {
  readonly clock: Clock;
  readonly unwritten: Unwritten;
  readonly bounds: SchedulerLimits;
  readonly cap: DestinationCap | null;
  readonly reach: Pick<Reach, 'mayStart' | 'started'> | null;
}

class FairTurns implements Scheduler {
  bytesInFlight = 0;
  isIdle = true;
  readonly #clock: Clock;
  readonly #unwritten: Unwritten;
  readonly #bounds: SchedulerLimits;
  readonly #laneMax: number;
  readonly #laneBytesMax: number;
  readonly #shares: WorkShares;
  readonly #parts: TenantParts;
  readonly #turns: Readonly<Record<WorkKind, Turns<Lane>>> = {
    live: createTurns(),
    retry: createTurns(),
    bulk: createTurns(),
    unknown: createTurns(),
    unanswered: createTurns(),
  };
  /** Kinds of which only tenants wait that have their part and more, while nothing is lent. */
  readonly #behind = new Set<WorkKind>();
  /** When the turn began that is being given (ms, monotonic): read once for all that asks. */
  #turnAt = 0;
  readonly #isBehind = (tenant: string): boolean => !this.#parts.isWithin(tenant, this.#turnAt);
  readonly #waits = (kind: WorkKind): boolean => this.#turns[kind].size > 0 && !this.#behind.has(kind);
  readonly #cap: DestinationCap | null;
  readonly #reach: SchedulerParts['reach'];
  /**
   * Where much waits, as many requests as a pod may have in flight would start before the first of their answers is read; and since
   * answers then come faster than they are read, it would stay that many. Endpoints would be opened four times the
   * connections that they need, only because we are slow. So a few start, then what was answered is read, and
   * what is in flight is what endpoints take their time for.
   */
  readonly #together: Stretch;
  #pumping = false;

  constructor({ clock, unwritten, bounds, cap, reach }: SchedulerParts) {
    this.#cap = cap;
    this.#reach = reach;
    cap?.onTurn((lane) => this.ready(lane));
    this.#clock = clock;
    this.#together = createStretch(clock, () => this.#pump(), bounds.startsTogetherMax);
    this.#unwritten = unwritten;
    this.#bounds = bounds;
    this.#shares = createWorkShares(bounds.podInFlightMax);
    this.#parts = createTenantParts(bounds.podInFlightMax);
    this.#laneMax = Math.max(1, Math.floor(bounds.podInFlightMax * bounds.laneInFlightFraction));
    this.#laneBytesMax = bounds.podInFlightBytesMax * bounds.laneInFlightFraction;
  }

  ready(lane: Lane): void {
    this.#offer(lane, this.#clock.monotonic());
    this.#pump();
  }

  get inFlight(): number {
    return this.#shares.inFlight;
  }

  inFlightAs(kind: WorkKind): number {
    return this.#shares.of(kind);
  }

  ended(lane: Lane, bytes: number, kind: WorkKind): void {
    const now = this.#clock.monotonic();
    this.#release(lane, bytes, kind, now);
    if (lane.inFlight === 0) lane.landedAt = now;
    this.#offer(lane, now);
    this.#pump();
  }

  written(): void {
    this.#pump();
  }

  drop(lane: Lane): void {
    for (const kind of workKinds) {
      this.#shares.ended(kind, lane.inFlightAs[kind]);
      lane.inFlightAs[kind] = 0;
    }
    this.#leave(lane);
    this.#endedOf(lane.tenant, lane.inFlight, this.#clock.monotonic());
    this.bytesInFlight -= lane.bytesInFlight;
    lane.inFlight = 0;
    lane.bytesInFlight = 0;
    lane.cancelWake?.();
    lane.cancelWake = null;
    this.#pump();
  }

  #pump(): void {
    // Starting can end something at once, which asks for the next start: one loop does it all.
    if (this.#pumping || this.#together.isOver) return;
    this.#pumping = true;
    this.isIdle = false;
    this.#together.begin(this.#clock.monotonic());
    try {
      while (!this.#together.isOver && this.hasRoom) {
        const kind = this.#shares.next(this.#waits);
        if (kind === null) {
          this.isIdle = true;
          break;
        }
        this.#turnAt = this.#clock.monotonic();
        const lane = this.#turns[kind].shift(this.#isBehind, this.#shares.mayLend);
        if (lane === undefined) this.#behind.add(kind);
        else this.#turnOf(lane, kind);
      }
    } finally {
      // An empty set that is cleared is made anew all the same, and this is asked several times for each delivery.
      if (this.#behind.size > 0) this.#behind.clear();
      this.#pumping = false;
      this.#together.end(this.#clock.monotonic());
    }
  }

  #turnOf(lane: Lane, turn: WorkKind): void {
    lane.rotating = null;
    this.#parts.waits(lane.tenant, -1);
    const now = this.#turnAt;
    if (this.#canStart(lane) && openAt(lane) <= now) this.#startOne(lane, turn, now);
    this.#offer(lane, now);
  }

  get hasRoom(): boolean {
    const { podInFlightMax, podInFlightBytesMax } = this.#bounds;
    if (this.#shares.inFlight >= podInFlightMax || this.bytesInFlight >= podInFlightBytesMax) return false;
    return this.#unwritten.records < podInFlightMax && this.#reach?.mayStart() !== false;
  }

  #canStart(lane: Lane): boolean {
    const hasRoom = lane.inFlight < this.#laneMax && lane.bytesInFlight < this.#laneBytesMax;
    return hasWork(lane) && hasRoom && lane.owner.mayStart();
  }

  /** Gives the lane another turn if it can use one, or wakes it when it can. */
  #offer(lane: Lane, now: number): void {
    const kind = this.#placeOf(lane, now);
    if (kind === null || lane.rotating === kind || !this.#canStart(lane)) return;
    const waitMs = openAt(lane) - now;
    if (waitMs <= 0) {
      if (this.#cap?.admits(lane) === false) return;
      this.#leave(lane);
      lane.rotating = kind;
      lane.rotatesSince = now;
      this.#parts.waits(lane.tenant, 1);
      this.#turns[kind].push(lane);
      if (lane.owes === 0) return;
      this.#turns[kind].spent(lane, lane.owes);
      lane.owes = 0;
      return;
    }
    lane.cancelWake ??= this.#clock.after(waitMs, () => {
      lane.cancelWake = null;
      this.ready(lane);
    });
  }

  /** What the lane waits for its turn as; null: it has nothing to start. */
  #placeOf(lane: Lane, now: number): WorkKind | null {
    const first = firstKind(lane, now);
    return first === null ? null : (unheardKind(lane, now) ?? first);
  }

  /** It waits for no turn. */
  #leave(lane: Lane): void {
    if (lane.rotating === null) return;
    this.#turns[lane.rotating].delete(lane);
    lane.rotating = null;
    this.#parts.waits(lane.tenant, -1);
  }

  #startOne(lane: Lane, turn: WorkKind, now: number): void {
    if (this.#cap?.admits(lane) === false) return;
    const place = this.#placeOf(lane, now);
    const first = firstKind(lane, now);
    // It has something else to start than when it was given its place: it waits for its turn with that.
    if (first === null || place !== turn) return;
    const next = isBulkTurn(lane) && this.#shares.mayStart('bulk') ? 'bulk' : first;
    const kind = place === 'unknown' || place === 'unanswered' ? place : next;
    const work = takeNext(lane, next);
    if (work === undefined) return;
    // What is put instead of sent takes its time as well.
    this.#together.taken();
    const { bytes } = work;
    lane.inFlight += 1;
    lane.inFlightAs[kind] += 1;
    lane.bytesInFlight += bytes;
    this.#shares.started(kind);
    this.#parts.started(lane.tenant, now);
    this.bytesInFlight += bytes;
    if (!lane.owner.start(work, kind)) return this.#release(lane, bytes, kind, now);
    if (lane.inFlight === 1 && now - lane.landedAt >= limits.crowdedQuietMs) lane.fliesSince = now;
    askedBy(lane, now);
    lane.owes += Math.floor(bytes / limits.turnBytes);
    lane.rate?.take(now);
    this.#cap?.started(lane);
    this.#reach?.started();
  }

  #release(lane: Lane, bytes: number, kind: WorkKind, now: number): void {
    lane.inFlight -= 1;
    lane.inFlightAs[kind] -= 1;
    lane.bytesInFlight -= bytes;
    this.#shares.ended(kind);
    this.bytesInFlight -= bytes;
    this.#endedOf(lane.tenant, 1, now);
  }

  #endedOf(tenant: string, count: number, now: number): void {
    this.#parts.ended(tenant, count);
    if (!this.#parts.isWithin(tenant, now)) return;
    for (const kind of workKinds) this.#turns[kind].caughtUp(tenant);
  }
}
