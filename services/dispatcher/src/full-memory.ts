import { crowdedPlan } from './intake.ts';
import { mayStart, takeArrival, takeBulk, type Lane } from './lane.ts';
import { limits, type Clock } from '@postrider/core';
import type { ByteMeter } from './byte-meter.ts';
import type { Lanes } from './lanes.ts';
import type { WorkTable } from './work-table.ts';

/** Between two ticks. */
const SECOND_MS = 1_000;

/** Frees memory that is held for lanes which cannot start, so that they cannot hold up the pod's others. */
export interface FullMemory {
  /** Called every second. */
  tick(): void;
}

/** What freeing memory needs. */
export interface FullMemoryOptions {
  readonly meter: ByteMeter;
  /** Of deliveries from `deliveries.bulk` alone. */
  readonly bulkMeter: ByteMeter;
  readonly lanes: Lanes;
  readonly table: WorkTable;
  readonly clock: Clock;
}

/**
 * A pod that has read nothing for a second because its memory is full, and frees hardly any: what its lanes hold that may not start now is put,
 * the largest first, until there is room. The same for bulk work alone, whose part of the memory is full.
 */
export function createFullMemory({ meter, bulkMeter, lanes, table, clock }: FullMemoryOptions): FullMemory {
  const isStuck = stuckness(limits.podQueuedBytesMax);
  const isBulkStuck = stuckness(limits.podQueuedBytesMax * limits.bulkQueuedFraction);

  function free(full: ByteMeter, putOf: (lane: Lane) => void): void {
    const now = clock.monotonic();
    const kept = [...lanes.all()].filter(
      (lane) => lane.held.size > 0 || (lane.queuedBytes > 0 && !mayStart(lane, now)),
    );
    kept.sort((a, b) => b.queuedBytes - a.queuedBytes);
    for (const lane of kept) {
      if (!full.full) break;
      putOf(lane);
    }
  }

  return {
    tick() {
      if (isStuck(meter)) free(meter, (lane) => putArrivals(lane, table, clock));
      if (isBulkStuck(bulkMeter)) free(bulkMeter, (lane) => putBulk(lane, table, clock));
    },
  };
}

/** Whether memory is full, and was so a second ago with hardly more in it: what works off a backlog needs nothing put. */
function stuckness(bytesMax: number): (meter: ByteMeter) => boolean {
  const movedLeast = (bytesMax * limits.stuckMovedFraction * SECOND_MS) / limits.stuckRangeMs;
  let before = -Infinity;
  return ({ full, bytes }) => {
    const stuck = full && before - bytes < movedLeast && before !== -Infinity;
    before = full ? bytes : -Infinity;
    return stuck;
  };
}

/** Puts what the lane has queued from `deliveries.bulk`. */
function putBulk(lane: Lane, table: WorkTable, clock: Clock): void {
  for (let work = takeBulk(lane); work !== undefined; work = takeBulk(lane))
    table.put(work, crowdedPlan(true, lane, clock));
}

/** Puts whatever the lane has queued or holds of first attempts, as far as it may be put. */
function putArrivals(lane: Lane, table: WorkTable, clock: Clock): void {
  for (let work = takeArrival(lane); work !== undefined; work = takeArrival(lane))
    table.put(work, crowdedPlan(true, lane, clock));
  for (const work of lane.held) if (table.mayPut(work)) table.put(work, crowdedPlan(false, lane, clock));
}
