import { limits } from '@postrider/core';
import { hasWork, openAt, takeNext } from './lane.ts';
import { createTurns } from './turns.ts';
import type { Clock } from '@postrider/core';
import type { DestinationCap } from './destination-cap.ts';
import type { Lane } from './lane.ts';

/** What the pod may have in flight, and whose turn it is: round robin over tenants, then over their lanes. */
export interface Scheduler {
  /** The lane may have something to start. Starts what can be started. */
  ready(lane: Lane): void;
  /** A request of the lane has ended. */
  ended(lane: Lane, bytes: number): void;
  /** A delivery is settled: there may be room again. */
  written(): void;
  /** The lane's owner is gone: what it has in flight counts no more. */
  drop(lane: Lane): void;
  readonly inFlight: number;
  readonly bytesInFlight: number;
  /** Whether the pod as a whole may start one more. */
  readonly hasRoom: boolean;
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
}

/**
 * An idle scheduler. What a crash may repeat is what is in flight and what is not written: so deliveries that are
 * not settled are bounded like requests, and nothing starts while there are that many. `cap`: what destinations may be sent.
 */
export function createScheduler(
  clock: Clock,
  unwritten: Unwritten,
  bounds: SchedulerLimits = limits,
  cap: DestinationCap | null = null,
): Scheduler {
  return new RoundRobin(clock, unwritten, bounds, cap);
}

class RoundRobin implements Scheduler {
  inFlight = 0;
  bytesInFlight = 0;
  readonly #clock: Clock;
  readonly #unwritten: Unwritten;
  readonly #bounds: SchedulerLimits;
  readonly #laneMax: number;
  readonly #laneBytesMax: number;
  readonly #turns = createTurns<Lane>();
  readonly #cap: DestinationCap | null;
  #pumping = false;

  constructor(clock: Clock, unwritten: Unwritten, bounds: SchedulerLimits, cap: DestinationCap | null) {
    this.#cap = cap;
    cap?.onTurn((lane) => this.ready(lane));
    this.#clock = clock;
    this.#unwritten = unwritten;
    this.#bounds = bounds;
    this.#laneMax = Math.max(1, Math.floor(bounds.podInFlightMax * bounds.laneInFlightFraction));
    this.#laneBytesMax = bounds.podInFlightBytesMax * bounds.laneInFlightFraction;
  }

  ready(lane: Lane): void {
    this.#offer(lane);
    this.#pump();
  }

  ended(lane: Lane, bytes: number): void {
    this.#release(lane, bytes);
    this.ready(lane);
  }

  written(): void {
    this.#pump();
  }

  drop(lane: Lane): void {
    this.inFlight -= lane.inFlight;
    this.bytesInFlight -= lane.bytesInFlight;
    lane.inFlight = 0;
    lane.bytesInFlight = 0;
    lane.cancelWake?.();
    lane.cancelWake = null;
    this.#pump();
  }

  #pump(): void {
    // Starting can end something at once, which asks for the next start: one loop does it all.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.hasRoom) {
        const lane = this.#turns.shift();
        if (lane === undefined) break;
        lane.rotating = false;
        if (this.#canStart(lane) && openAt(lane) <= this.#clock.monotonic()) this.#startOne(lane);
        this.#offer(lane);
      }
    } finally {
      this.#pumping = false;
    }
  }

  get hasRoom(): boolean {
    const { podInFlightMax, podInFlightBytesMax } = this.#bounds;
    if (this.inFlight >= podInFlightMax || this.bytesInFlight >= podInFlightBytesMax) return false;
    return this.#unwritten.records < podInFlightMax;
  }

  #canStart(lane: Lane): boolean {
    const hasRoom = lane.inFlight < this.#laneMax && lane.bytesInFlight < this.#laneBytesMax;
    return hasWork(lane) && hasRoom && lane.owner.mayStart();
  }

  /** Gives the lane another turn if it can use one, or wakes it when it can. */
  #offer(lane: Lane): void {
    if (lane.rotating || !this.#canStart(lane)) return;
    const waitMs = openAt(lane) - this.#clock.monotonic();
    if (waitMs <= 0) {
      if (this.#cap?.admits(lane) === false) return;
      lane.rotating = true;
      return this.#turns.push(lane);
    }
    lane.cancelWake ??= this.#clock.after(waitMs, () => {
      lane.cancelWake = null;
      this.ready(lane);
    });
  }

  #startOne(lane: Lane): void {
    if (this.#cap?.admits(lane) === false) return;
    const work = takeNext(lane);
    if (work === undefined) return;
    const { bytes } = work;
    lane.inFlight += 1;
    lane.bytesInFlight += bytes;
    this.inFlight += 1;
    this.bytesInFlight += bytes;
    if (!lane.owner.start(work)) return this.#release(lane, bytes);
    lane.rate?.take(this.#clock.monotonic());
    this.#cap?.started(lane);
  }

  #release(lane: Lane, bytes: number): void {
    lane.inFlight -= 1;
    lane.bytesInFlight -= bytes;
    this.inFlight -= 1;
    this.bytesInFlight -= bytes;
  }
}
