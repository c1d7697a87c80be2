import { limits } from './limits.ts';
import type { OffsetRange } from './offset-range.ts';

/**
 * What holds up an offset range that is more than half full.
 * - `nothing`: it is not, or it moves: a backlog that is worked off is left alone.
 * - `head`: nearly all of it is done, and a few old deliveries keep its watermark where it is.
 * - `lanes`: much of it is open, and for a while it has hardly moved: whatever can do no more than it does now is in the way.
 */
export type RangeVerdict = 'nothing' | 'head' | 'lanes';

/** Watches one offset range, asked every second or so. */
export interface RangeWatch {
  /** @param now monotonic milliseconds */
  judge(range: Pick<OffsetRange, 'size' | 'open' | 'watermark'>, now: number): RangeVerdict;
}

/** A watch that has seen nothing. */
export function createRangeWatch(): RangeWatch {
  let since: { readonly at: number; readonly watermark: number } | null = null;
  return {
    judge({ size, open, watermark }, now) {
      if (size <= limits.offsetRangeMax * limits.stuckUsedFraction) {
        since = null;
        return 'nothing';
      }
      if (size - open > size * limits.stuckDoneFraction) return 'head';
      since ??= { at: now, watermark };
      if (now - since.at < limits.stuckRangeMs) return 'nothing';
      const moved = watermark - since.watermark;
      since = { at: now, watermark };
      return moved < limits.offsetRangeMax * limits.stuckMovedFraction ? 'lanes' : 'nothing';
    },
  };
}
