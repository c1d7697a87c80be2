import { drainLimitMs } from './limits.ts';

/** Whether a reign may act: now, not before the fence opens again, or never more and why. */
export type ReignVerdict = 'yes' | 'later' | 'session' | 'drain-limit';

/**
 * What holds for a reign at this moment, the strongest first:
 *
 * | the session | the drain limit | verdict |
 * |---|---|---|
 * | a later term than the reign began in | – | `session`: others may have been named; over |
 * | the same term | has passed | `drain-limit`: the next owner waits no longer; over |
 * | the same term, fence closed | – | `later` |
 * | the same term, fence open | – | `yes` |
 *
 * @param facts.drainBy and `facts.now`: monotonic milliseconds; Infinity while nothing has to be given up
 */
export function judgeReign(facts: {
  readonly open: boolean;
  readonly sameTerm: boolean;
  readonly drainBy: number;
  readonly now: number;
}): ReignVerdict {
  if (!facts.sameTerm) return 'session';
  if (facts.now >= facts.drainBy) return 'drain-limit';
  return facts.open ? 'yes' : 'later';
}

/**
 * Until when a process may finish what is in flight in a partition that it has to give up (monotonic ms). The next owner
 * counts from when it was named, which is after every answer of the group to a member of the generation before.
 * @param begun when the last heartbeat of that generation was sent; at a shutdown: now
 */
export function drainDeadline(begun: number): number {
  return begun + drainLimitMs();
}
