import type { RowHeap } from './row-heap.ts';

/** The rows of one lane, as their index keeps them. */
export interface LaneRows {
  /** Ends of the chain of those that wait, in the order in which they began to; 0: none. */
  first: number;
  last: number;
  waiting: number;
  /** Those of them that are due and stand behind something. */
  behind: number;
  /** Those that wait and are due, the oldest on top. */
  ready: RowHeap | null;
  /** All that name the lane: waiting, worked on, or being loaded. */
  held: number;
}

/** No rows. */
export function createLaneRows(): LaneRows {
  return { first: 0, last: 0, waiting: 0, behind: 0, ready: null, held: 0 };
}
