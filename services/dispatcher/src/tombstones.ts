import { TIERS, compareRowVersions, limits, type Clock, type Tier } from '@postrider/core';
import { countDown } from './count-down.ts';
import { isBeforeTakeover, type IntakeEnds } from './intake-ledger.ts';
import { oldest, type Version } from './tier-record.ts';
import type { Reign } from './reign.ts';
import type { TierBook } from './tier-book.ts';
import type { Work } from './work.ts';

/** Takes the rows of deliveries that have ended out of their tiers (design rule 12). */
export interface Tombstones {
  /** `ended` is called when every tombstone that is needed is acknowledged; at once if there is none. */
  bury(work: Work, ended: () => void): void;
}

/** What burying needs of the reign. */
export interface TombstonesOptions {
  readonly book: TierBook;
  readonly reign: Reign;
  readonly clock: Clock;
  /** Ends of the two topics of intake when the partition was taken over: what stands below is older than the claim. */
  readonly ends: IntakeEnds;
}

/** Tombstones of one reign. */
export function createTombstones({ book, reign, clock, ends }: TombstonesOptions): Tombstones {
  function write(key: string, tiers: readonly Tier[], acked: () => void): void {
    if (tiers.length === 0) return acked();
    const one = countDown(tiers.length, acked);
    for (const tier of tiers) book.write(tier, key, null, one);
  }

  /**
   * Where a row is, or was until a tombstone that is not acknowledged yet; and everywhere, while a row of an older reign
   * may lie unread or still be on its way.
   */
  function isNeeded({ key, origin }: Work, tier: Tier): boolean {
    const known = book.known(tier, key);
    if (known !== undefined) return known.row || !known.acked;
    if (reign.first || !isBeforeTakeover(origin, ends)) return false;
    return !book.isLoaded(tier) || clock.monotonic() - reign.claimedAt < limits.claimTombstoneMs;
  }

  /** The tier whose row a takeover would go on from: not always that of the work, which may have begun before it was loaded. */
  function newestRow({ key }: Work): Tier | null {
    let newest: Tier | null = null;
    let version: Version = oldest;
    for (const tier of TIERS) {
      const known = book.known(tier, key);
      if (known?.row !== true || compareRowVersions(known, version) < 0) continue;
      newest = tier;
      version = known;
    }
    return newest;
  }

  return {
    bury(work, ended) {
      const tiers = TIERS.filter((tier) => isNeeded(work, tier));
      if (tiers.length === 0) return ended();
      // The newest row goes last: after a crash in between, an older one would begin again with attempts that were made.
      const last = newestRow(work);
      const older = tiers.filter((tier) => tier !== last);
      const newest = tiers.filter((tier) => tier === last);
      write(work.key, older, () => write(work.key, newest, ended));
    },
  };
}
