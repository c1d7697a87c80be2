import { limits } from './limits.ts';

/** How far back a takeover begins to read `ownership` (ms), and again twice as far each time that it did not suffice. */
export const OWNERSHIP_LOOK_BACK_MS: number = limits.lateWriteMs + limits.ownershipLookBackSlackMs;

/**
 * Whether what was read of a partition of `ownership` tells all that its whole log would tell of who owns it and what is
 * done, though older records were not read.
 *
 * What lands `lateWriteMs` or more after `since` was handed over after `since`: no write travels longer. So if there is
 * such a progress, its writer owned the partition then. Nobody had claimed a newer epoch before, for an owner hands nothing
 * over once another may claim; and it numbers its progress in the order in which it hands it over. So whatever stands
 * before `since` is of an older epoch, or has a lower number: it neither holds nor makes a later claim void.
 *
 * @param since every record that landed at or after this was read (the broker's time, ms since the Unix epoch)
 * @param progressAt when the last usable progress that was read landed; null: none was
 */
export function tellsAll(since: number, progressAt: number | null): boolean {
  return progressAt !== null && progressAt - since >= limits.lateWriteMs;
}
