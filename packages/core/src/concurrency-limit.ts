/** How many requests may be in flight to one endpoint at once, found out by trying. */
export interface ConcurrencyLimit {
  /** Requests in flight at most, at least 1. */
  readonly current: number;
  /** The endpoint answered and is not overloaded, with this many requests in flight, itself included. */
  answered(inFlight: number, most: number): void;
  /** The endpoint said that it is overloaded. */
  overloaded(inFlight: number): void;
  /** A request ended otherwise: that says nothing of what the endpoint can bear. */
  ended(): void;
}

/**
 * The limit of an endpoint that nothing is known of. Slow start: from 1, one more for each answer while the limit is used up,
 * which doubles it in the time of one answer. Overload halves it, but not below 1; from there it grows by one in the time of
 * one answer. Of requests that were in flight together one overload counts: the others tell the same.
 */
export function createConcurrencyLimit(): ConcurrencyLimit {
  let limit = 1;
  /** Below, it grows for each answer. */
  let known = Infinity;
  /** Requests that were in flight when it was halved. */
  let stale = 0;
  const isStale = (): boolean => {
    if (stale === 0) return false;
    stale -= 1;
    return true;
  };
  return {
    get current() {
      return Math.floor(limit);
    },
    answered(inFlight, most) {
      if (isStale() || inFlight < Math.floor(limit)) return;
      limit = Math.min(Math.max(1, most), limit + (limit < known ? 1 : 1 / limit));
    },
    overloaded(inFlight) {
      if (isStale()) return;
      limit = Math.max(1, limit / 2);
      known = limit;
      stale = Math.max(0, inFlight - 1);
    },
    ended() {
      isStale();
    },
  };
}
