import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { limits, type Clock } from '@postrider/core';
import { waitFor } from './intake.ts';
import { putArrivals } from './full-memory.ts';
import type { IntakeLedger, IntakeTopic } from './intake-ledger.ts';
import type { Lane } from './lane.ts';
import type { WorkTable } from './work-table.ts';

/** Frees an offset range whose watermark one lane holds back, so that this lane cannot hold up the partition's others. */
export interface StuckHead {
  /** Called every second. */
  tick(): void;
}

/** What freeing the head needs. */
export interface StuckHeadOptions {
  readonly topic: IntakeTopic;
  readonly ledger: IntakeLedger;
  readonly table: WorkTable;
  readonly clock: Clock;
}

const STUCK_AT = limits.offsetRangeMax * limits.pauseAtFraction;

/**
 * A range so full that its topic is not read, whose watermark has not moved for a second, is held by its oldest delivery's
 * lane. What that lane has queued is put; what it has in flight gets a guard row, due after the request's longest
 * deadline, which is overwritten or removed when the attempt ends.
 */
export function createStuckHead({ topic, ledger, table, clock }: StuckHeadOptions): StuckHead {
  let watermark = -1;
  return {
    tick() {
      const range = ledger.range(topic);
      const stuck = range.size >= STUCK_AT && range.watermark === watermark;
      watermark = range.watermark;
      const lane = stuck ? laneOf(table, topic, watermark) : null;
      if (lane !== null) free(lane, table, clock);
    },
  };
}

function laneOf(table: WorkTable, topic: IntakeTopic, offset: number): Lane | null {
  const bulk = topic === 'deliveries.bulk';
  for (const work of table.works.values()) {
    if (work.open.some((at) => at.bulk === bulk && at.offset === offset)) return work.lane;
  }
  return null;
}

function free(lane: Lane, table: WorkTable, clock: Clock): void {
  const now = clock.now();
  putArrivals(lane, table, clock);
  const guardedUntil = now + limits.attemptTimeoutMaxMs + limits.drainSlackMs;
  for (const work of table.works.values()) {
    if (work.lane !== lane || work.state !== 'flying' || work.open.length === 0) continue;
    table.guard(work, waitFor(WaitReason.GUARD, guardedUntil, now));
  }
}
