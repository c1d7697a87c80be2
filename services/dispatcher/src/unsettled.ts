/**
 * Deliveries whose request has ended and of which something is not written yet: attempt, dead letter, row or tombstone.
 * A crash repeats them like the requests in flight, so their number is bounded like these.
 */
export interface Unsettled {
  /** How many there are in this process. */
  readonly records: number;
  add(change: number): void;
}

/** A count of none. */
export function createUnsettled(): Unsettled {
  let records = 0;
  return {
    get records() {
      return records;
    },
    add(change) {
      records += change;
    },
  };
}
