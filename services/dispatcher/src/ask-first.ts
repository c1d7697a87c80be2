import { limits, type Clock } from '@postrider/core';
import { isBeforeTakeover, type IntakeEnds } from './intake-ledger.ts';
import type { Dispatch, Flight } from './dispatch-delivery.ts';
import type { DoneFilter } from './done-filter.ts';
import type { Endings } from './endings.ts';
import type { Reign } from './reign.ts';

/** What asking needs of the process and of the reign. */
export interface AskFirstOptions {
  readonly filter: DoneFilter | null;
  readonly reign: Reign;
  /** Ends of the two topics of intake when the partition was taken over. */
  readonly ends: IntakeEnds;
  readonly clock: Clock;
  readonly endings: Pick<Endings, 'deliveredBefore'>;
}

/**
 * Trims the duplicates after a crash: what the crashed owner may have delivered without writing it down is asked of the
 * done-filter before its first request. Everything else, and whatever leaves a doubt, is sent at once.
 */
export function askFirst({ filter, reign, ends, clock, endings }: AskFirstOptions, send: Dispatch): Dispatch {
  if (filter === null || !reign.afterCrash) return send;
  const claimedAtWall = clock.now() - (clock.monotonic() - reign.claimedAt);

  /** Older than the claim, not attempted since, and what a crashed owner noted is still kept. */
  const mayBeDone = ({ work, view }: Flight): boolean =>
    isBeforeTakeover(work.origin, ends) &&
    (view.last?.endedAt ?? 0) < claimedAtWall &&
    clock.monotonic() - reign.claimedAt < limits.doneKeptMs;

  return (flight) => {
    if (!mayBeDone(flight)) return send(flight);
    filter.ask(flight.work.key, (done) => {
      // No answer from before a lost reign changes anything.
      if (reign.isOver()) return;
      if (!done) return send(flight);
      endings.deliveredBefore(flight.work);
      flight.ended();
    });
  };
}
