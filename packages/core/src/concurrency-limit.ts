import { limits } from './limits.ts';

/**
 * How many requests one endpoint may have in flight: additive increase, multiplicative decrease.
 *
 * | phase | when | becomes |
 * |---|---|---|
 * | slow start: below what it could not take | a success, while all of the limit is in use | limit + 1: it doubles with each round |
 * | steady: at or above that | a success, while all of the limit is in use | limit + 1 / limit: one more with each round |
 * | either | an answer that asks for less | half the limit, at least 1; steady from there |
 * | either | a pause | the start, if it is less: slow start up to where it was steady |
 *
 * A success grows it only while the whole limit is in use: what was never tried at once is not known to be taken. Requests
 * that were in flight when the limit was lowered, or when a pause began, tell nothing new. All times are of one clock, which
 * never goes back.
 */
export interface ConcurrencyLimit {
  /** Requests in flight at most. */
  readonly value: number;
  /**
   * From when on nothing is lost with it: it has not grown beyond what one success brings back, or all of it was in use long
   * ago.
   */
  readonly restedAt: number;
  /** The most that it may become; at least 1. */
  setCap(cap: number): void;
  /** A request succeeded; `inFlight`: how many there were, this one included. */
  succeeded(inFlight: number, startedAt: number, now: number): void;
  /** The endpoint could not take so many. */
  lowered(startedAt: number, now: number): void;
  /** A pause begins or is over: after it, the limit begins anew. */
  restart(now: number): void;
}

const FLOOR = 1;

/** The limit of an endpoint that nothing is known of. `start`: where it begins, at least 1. */
export function createConcurrencyLimit(cap: number, start: number = limits.laneConcurrencyStart): ConcurrencyLimit {
  return new AdditiveIncrease(cap, start);
}

class AdditiveIncrease implements ConcurrencyLimit {
  #cap: number;
  readonly #start: number;
  #limit: number;
  /** From here on it grows by one a round only. */
  #steadyFrom = Infinity;
  /** What was started by then tells nothing new. */
  #changedAt = -Infinity;
  #usedUpAt = -Infinity;

  constructor(cap: number, start: number) {
    this.#cap = cap;
    this.#start = start;
    this.#limit = start;
  }

  get value(): number {
    return Math.floor(Math.min(this.#limit, this.#cap));
  }

  get restedAt(): number {
    return this.value <= this.#start + 1 ? -Infinity : this.#usedUpAt + limits.laneConcurrencyKeptMs;
  }

  setCap(cap: number): void {
    this.#cap = cap;
  }

  succeeded(inFlight: number, startedAt: number, now: number): void {
    if (inFlight < this.value || startedAt < this.#changedAt) return;
    this.#usedUpAt = now;
    const step = this.#limit < this.#steadyFrom ? 1 : 1 / this.#limit;
    if (this.#limit < this.#cap) this.#limit = Math.min(this.#cap, this.#limit + step);
  }

  lowered(startedAt: number, now: number): void {
    if (startedAt < this.#changedAt) return;
    this.#changedAt = now;
    this.#limit = Math.max(FLOOR, Math.min(this.#limit, this.#cap) / 2);
    this.#steadyFrom = this.#limit;
  }

  restart(now: number): void {
    this.#changedAt = now;
    this.#limit = Math.min(this.#limit, this.#start);
  }
}
