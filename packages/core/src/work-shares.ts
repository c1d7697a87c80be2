import { limits } from './limits.ts';

/** Kinds of work that have a share of a pod's requests in flight. */
export const workKinds = ['live', 'retry', 'bulk', 'unknown', 'unanswered'] as const;
export type WorkKind = (typeof workKinds)[number];

/**
 * How kinds of work share what a pod may have in flight. No share is idle while anybody could use it, and what was lent comes
 * back as requests end: of the kinds that wait, the one that has the least of its share in flight starts next.
 *
 * | kind | what | its share | beyond it |
 * |---|---|---|---|
 * | `live` | first attempts from `deliveries` | 70 % | all that the others leave |
 * | `retry` | what has waited in a retry tier | 20 % | while less than 90 % of the pod is in use |
 * | `bulk` | first attempts from `deliveries.bulk` | 10 % | the same |
 * | `unknown` | all work for an endpoint that is not known to answer | 10 % | the same, and 50 % at most with `unanswered` |
 * | `unanswered` | all work for an endpoint that keeps requests waiting | 10 % | the same, and 25 % at most |
 *
 * What is left free at 90 % makes that whoever has had nothing to do need not wait for the requests of others to end, which
 * may hang as long as their deadline.
 */
export interface WorkShares {
  /** Requests in flight of all kinds. */
  readonly inFlight: number;
  /** Requests in flight of one kind. */
  of(kind: WorkKind): number;
  /** Whether the pod's use allows that more is lent. */
  readonly mayLend: boolean;
  mayStart(kind: WorkKind): boolean;
  /** Which of the kinds that `waits` holds for starts next; null: none may. */
  next(waits: (kind: WorkKind) => boolean): WorkKind | null;
  started(kind: WorkKind): void;
  ended(kind: WorkKind, count?: number): void;
}

const shareOf: Readonly<Record<WorkKind, number>> = {
  live: limits.liveShareFraction,
  retry: limits.retryShareFraction,
  bulk: limits.bulkShareFraction,
  unknown: limits.bulkShareFraction,
  unanswered: limits.bulkShareFraction,
};

/** Nothing is in flight. `inFlightMax`: what the pod may have in flight. */
export function createWorkShares(inFlightMax: number = limits.podInFlightMax): WorkShares {
  return new Shares(inFlightMax);
}

class Shares implements WorkShares {
  inFlight = 0;
  readonly #inFlight: Record<WorkKind, number> = { live: 0, retry: 0, bulk: 0, unknown: 0, unanswered: 0 };
  /** What each has started, in parts of its share: decides between those that have equally much in flight. */
  readonly #served: Record<WorkKind, number> = { live: 0, retry: 0, bulk: 0, unknown: 0, unanswered: 0 };
  readonly #max: number;
  readonly #lendBelow: number;
  readonly #unknownMax: number;
  readonly #unansweredMax: number;

  constructor(inFlightMax: number) {
    this.#max = inFlightMax;
    this.#unknownMax = Math.ceil(inFlightMax * limits.unknownFraction);
    this.#unansweredMax = Math.ceil(inFlightMax * limits.unansweredFraction);
    this.#lendBelow = Math.ceil(inFlightMax * limits.podLendFraction);
  }

  of(kind: WorkKind): number {
    return this.#inFlight[kind];
  }

  get mayLend(): boolean {
    return this.inFlight < this.#lendBelow;
  }

  mayStart(kind: WorkKind): boolean {
    if (this.inFlight >= this.#max) return false;
    const own = this.#inFlight[kind];
    if (kind === 'unknown' || kind === 'unanswered') {
      if (this.#inFlight.unknown + this.#inFlight.unanswered >= this.#unknownMax) return false;
      if (kind === 'unanswered' && own >= this.#unansweredMax) return false;
    }
    return kind === 'live' || this.mayLend || own < Math.ceil(this.#max * shareOf[kind]);
  }

  next(waits: (kind: WorkKind) => boolean): WorkKind | null {
    let best: WorkKind | null = null;
    let bestUse = Infinity;
    let bestServed = Infinity;
    let least = Infinity;
    for (const kind of workKinds) {
      if (!waits(kind)) continue;
      const served = this.#served[kind];
      least = Math.min(least, served);
      if (!this.mayStart(kind)) continue;
      const use = this.#inFlight[kind] / shareOf[kind];
      if (use > bestUse || (use === bestUse && served >= bestServed)) continue;
      best = kind;
      bestUse = use;
      bestServed = served;
    }
    // Who did not wait has no claim to what it did not use.
    if (least > 0 && least !== Infinity)
      for (const kind of workKinds) this.#served[kind] = Math.max(0, this.#served[kind] - least);
    return best;
  }

  started(kind: WorkKind): void {
    this.inFlight += 1;
    this.#inFlight[kind] += 1;
    this.#served[kind] += 1 / shareOf[kind];
  }

  ended(kind: WorkKind, count = 1): void {
    this.inFlight -= count;
    this.#inFlight[kind] -= count;
  }
}
