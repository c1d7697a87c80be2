import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { limits, type Clock } from '@postrider/core';
import { waitFor } from './intake.ts';
import { keptFor } from './lane.ts';
import type { Endings } from './endings.ts';
import type { Lane } from './lane.ts';
import type { Ordering } from './ordering.ts';
import type { Work } from './work.ts';
import type { WorkTable } from './work-table.ts';

/** Looks after the first attempts that wait in memory for their turn. */
export interface HeldArrivals {
  /** Called every second. */
  tick(): void;
}

/** What looking after them needs. */
export interface HeldArrivalsOptions {
  readonly lanes: { all(): Iterable<Lane> };
  readonly ordering: Ordering;
  readonly table: WorkTable;
  readonly endings: Endings;
  readonly clock: Clock;
}

/**
 * What has expired ends. What stands behind a delivery that waits in a tier is put after a while: its record must not have
 * to stay readable, nor its place in memory taken, for as long as an endpoint may fail.
 */
export function createHeldArrivals({ lanes, ordering, table, endings, clock }: HeldArrivalsOptions): HeldArrivals {
  let puts = 0;

  function tend(work: Work, lane: Lane, now: number): void {
    if (work.expiresAt <= now) return endings.expire(work);
    if (!ordering.loaded || puts >= limits.orderedPutsMax) return;
    const kept = keptFor(lane.gate);
    const behind = now - work.readyAt >= limits.orderedHoldMs && ordering.isBehindWaiting(work, now);
    if (kept === null && !behind) return;
    puts += 1;
    table.put(work, waitFor(kept ?? WaitReason.ORDER, null, now));
  }

  return {
    tick() {
      const now = clock.now();
      puts = 0;
      for (const lane of lanes.all()) {
        // Going through a set while its members leave it leaves none out.
        for (const work of lane.held) tend(work, lane, now);
      }
    },
  };
}
