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
  /** The lane's owner is gone: what it has in flight counts no more. */
  drop(lane: Lane): void;
  readonly inFlight: number;
  readonly bytesInFlight: number;
}

/** The part of `limits` that matters here; tests narrow it. */
export interface SchedulerLimits {
  readonly podInFlightMax: number;
  readonly podInFlightBytesMax: number;
  readonly laneInFlightFraction: number;
}

/** An idle scheduler. */
export function createScheduler(clock: Clock, bounds: SchedulerLimits = limits): Scheduler {
  return new RoundRobin(clock, bounds);
}

class RoundRobin implements Scheduler {
  inFlight = 0;
  bytesInFlight = 0;
  readonly #clock: Clock;
  readonly #bounds: SchedulerLimits;
  readonly #laneMax: number;
  /** Tenants that have a turn coming, each with its lanes. */
  readonly #tenants = createFifo<Fifo<Lane>>();
  readonly #byTenant = new Map<string, Fifo<Lane>>();
  #pumping = false;

  constructor(clock: Clock, bounds: SchedulerLimits) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#laneMax = Math.max(1, Math.floor(bounds.podInFlightMax * bounds.laneInFlightFraction));
  }

  ready(lane: Lane): void {
    this.#offer(lane);
    this.#pump();
  }

  ended(lane: Lane, bytes: number): void {
    this.#release(lane, bytes);
    this.ready(lane);
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
      while (this.#hasRoom()) {
        const lane = this.#nextTurn();
        if (lane === undefined) break;
        if (this.#canStart(lane) && openAt(lane) <= this.#clock.monotonic()) this.#startOne(lane);
        this.#offer(lane);
      }
    } finally {
      this.#pumping = false;
    }
  }

  #hasRoom(): boolean {
    return this.inFlight < this.#bounds.podInFlightMax && this.bytesInFlight < this.#bounds.podInFlightBytesMax;
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
    return hasWork(lane) && lane.inFlight < this.#laneMax && lane.owner.mayStart();
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
