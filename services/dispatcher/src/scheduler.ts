import { limits } from '@postrider/core';
import { createFifo } from './fifo.ts';
import { hasWork, openAt, takeNext } from './lane.ts';
import type { Clock } from '@postrider/core';
import type { Fifo } from './fifo.ts';
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
 * not settled are bounded like requests, and nothing starts while there are that many.
 */
export function createScheduler(clock: Clock, unwritten: Unwritten, bounds: SchedulerLimits = limits): Scheduler {
  return new RoundRobin(clock, unwritten, bounds);
}

class RoundRobin implements Scheduler {
  inFlight = 0;
  bytesInFlight = 0;
  readonly #clock: Clock;
  readonly #unwritten: Unwritten;
  readonly #bounds: SchedulerLimits;
  readonly #laneMax: number;
  readonly #laneBytesMax: number;
  /** Tenants that have a turn coming, each with its lanes. */
  readonly #tenants = createFifo<Fifo<Lane>>();
  readonly #byTenant = new Map<string, Fifo<Lane>>();
  #pumping = false;

  constructor(clock: Clock, unwritten: Unwritten, bounds: SchedulerLimits) {
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
        const lane = this.#nextTurn();
        if (lane === undefined) break;
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

  #nextTurn(): Lane | undefined {
    const lanes = this.#tenants.shift();
    const lane = lanes?.shift();
    if (lanes === undefined || lane === undefined) return undefined;
    if (lanes.length > 0) this.#tenants.push(lanes);
    else this.#byTenant.delete(lane.tenant);
    lane.rotating = false;
    return lane;
  }

  #rotate(lane: Lane): void {
    lane.rotating = true;
    let lanes = this.#byTenant.get(lane.tenant);
    if (lanes === undefined) {
      this.#byTenant.set(lane.tenant, (lanes = createFifo()));
      this.#tenants.push(lanes);
    }
    lanes.push(lane);
  }

  #canStart(lane: Lane): boolean {
    const hasRoom = lane.inFlight < this.#laneMax && lane.bytesInFlight < this.#laneBytesMax;
    return hasWork(lane) && hasRoom && lane.owner.mayStart();
  }

  /** Gives the lane another turn if it can use one, or wakes it when it can. */
  #offer(lane: Lane): void {
    if (lane.rotating || !this.#canStart(lane)) return;
    const waitMs = openAt(lane) - this.#clock.monotonic();
    if (waitMs <= 0) return this.#rotate(lane);
    lane.cancelWake ??= this.#clock.after(waitMs, () => {
      lane.cancelWake = null;
      this.ready(lane);
    });
  }

  #startOne(lane: Lane): void {
    const work = takeNext(lane);
    if (work === undefined) return;
    const { bytes } = work;
    lane.inFlight += 1;
    lane.bytesInFlight += bytes;
    this.inFlight += 1;
    this.bytesInFlight += bytes;
    if (lane.owner.start(work)) lane.rate?.take(this.#clock.monotonic());
    else this.#release(lane, bytes);
  }

  #release(lane: Lane, bytes: number): void {
    lane.inFlight -= 1;
    lane.bytesInFlight -= bytes;
    this.inFlight -= 1;
    this.bytesInFlight -= bytes;
  }
}
