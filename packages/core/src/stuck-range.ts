import { limits } from './limits.ts';
import type { OffsetRange } from './offset-range.ts';

/**
 * What holds up an offset range that is more than half full.
 * - `nothing`: it is not that full.
 * - `backlog`: nothing is known but that: it may be worked off, and only who is quiet can be in the way.
 * - `head`: nearly all of it is done, and a few old deliveries keep its watermark where it is.
 * - `lanes`: it is nearly full, most of it is done, and the process has nothing else to do; or it has hardly moved for a while:
 *   whatever can do no more than it does now is in the way.
 */
export type RangeVerdict = 'nothing' | 'backlog' | 'head' | 'lanes';

/** Watches one offset range, asked every second or so. */
export interface RangeWatch {
  /**
   * @param now monotonic milliseconds
   * @param isIdle the process has started all that it could: what is open does not wait for it
   */
  judge(range: Pick<OffsetRange, 'size' | 'open' | 'watermark'>, now: number, isIdle: boolean): RangeVerdict;
}

/** A watch that has seen nothing. */
export function createRangeWatch(): RangeWatch {
  let since: { readonly at: number; readonly watermark: number } | null = null;
  return {
    judge({ size, open, watermark }, now, isIdle) {
      if (size <= limits.offsetRangeMax * limits.stuckUsedFraction) {
        since = null;
        return 'nothing';
      }
      if (size - open > size * limits.stuckDoneFraction) return 'head';
      const isNearlyFull = size > limits.offsetRangeMax * limits.rangeResumeAtFraction;
      if (isIdle && isNearlyFull && size - open > size * limits.stuckLanesDoneFraction) return 'lanes';
      since ??= { at: now, watermark };
      if (now - since.at < limits.stuckRangeMs) return 'backlog';
      const moved = watermark - since.watermark;
      since = { at: now, watermark };
      return moved < limits.offsetRangeMax * limits.stuckMovedFraction ? 'lanes' : 'backlog';
    },
  };
}
