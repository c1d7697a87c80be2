import { crowdedPlan } from './intake.ts';
import { mayStart, takeArrival, takeBulk, type Lane } from './lane.ts';
import { limits, type Clock } from '@postrider/core';
import type { ByteMeter } from './byte-meter.ts';
import type { Lanes } from './lanes.ts';
import type { WorkTable } from './work-table.ts';

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
 * A pod that has read nothing for a second because its memory is full: what its lanes hold that stand still is put, the
 * largest first, until there is room; and when hardly any of it was freed for a while, what those hold that may start no more
 * than they do. The same for bulk work alone, whose part of the memory is full.
 */
export function createFullMemory({ meter, bulkMeter, lanes, table, clock }: FullMemoryOptions): FullMemory {
  const lookAt = watchOf(limits.podQueuedBytesMax);
  const lookAtBulk = watchOf(limits.podQueuedBytesMax * limits.bulkQueuedFraction);

  function free(full: ByteMeter, verdict: Verdict, putOf: (lane: Lane) => void): void {
    const now = clock.monotonic();
    const isMeant = (lane: Lane): boolean => {
      if (lane.held.size > 0) return true;
      return lane.queuedBytes > 0 && !mayStart(lane, now) && (verdict === 'stuck' || lane.inFlight === 0);
    };
    const kept = [...lanes.all()].filter(isMeant);
    kept.sort((a, b) => b.queuedBytes - a.queuedBytes);
    for (const lane of kept) {
      if (!full.full) break;
      putOf(lane);
    }
  }

  return {
    tick() {
      const verdict = lookAt(meter, clock.monotonic());
      if (verdict !== 'room') free(meter, verdict, (lane) => putArrivals(lane, table, clock));
      const bulkVerdict = lookAtBulk(bulkMeter, clock.monotonic());
      if (bulkVerdict !== 'room') free(bulkMeter, bulkVerdict, (lane) => putBulk(lane, table, clock));
    },
  };
}

/** `full`: since the last look at least; `stuck`: and for a while hardly any of it was freed. */
type Verdict = 'room' | 'full' | 'stuck';

/** What works off a backlog needs nothing put. To be asked every second. */
function watchOf(bytesMax: number): (meter: ByteMeter, now: number) => Verdict {
  let since: { readonly at: number; readonly bytes: number } | null = null;
  return ({ full, bytes }, now) => {
    const before = since;
    // More than before: there was room meanwhile.
    if (!full || before === null || bytes > before.bytes) {
      since = full ? { at: now, bytes } : null;
      return 'room';
    }
    if (now - before.at < limits.stuckRangeMs) return 'full';
    since = { at: now, bytes };
    return before.bytes - bytes < bytesMax * limits.stuckMovedFraction ? 'stuck' : 'full';
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
