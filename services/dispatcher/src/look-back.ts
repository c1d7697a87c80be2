import { limits } from '@postrider/core';
import type { Admin } from '@postrider/kafka';

/** What finding the start of reading needs. */
export interface LookBackOptions {
  readonly offsetsAt: Admin['offsetsAt'];
  readonly topic: string;
  readonly partition: number;
  /** Everything below is done. */
  readonly watermark: number;
  readonly range: { readonly low: number; readonly high: number };
  /** Wall clock, ms since the Unix epoch. */
  readonly now: number;
}

const HOUR_MS = 3_600_000;
/** How far back the record at the watermark may lie: tried in turn. */
const agesMs = [0, 10 * 60_000, HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS, 4 * 24 * HOUR_MS];

/**
 * Where a new owner starts to read (design rule 6): two minutes, and at most 10,000 offsets, below the watermark. What it
 * reads there is done; it only learns the ids, because a router that crashed may write them again.
 */
export async function lookBackStart(options: LookBackOptions): Promise<number> {
  const { topic, partition, watermark, range, now, offsetsAt } = options;
  const least = Math.max(range.low, Math.min(watermark, range.high) - limits.repeatLookBackOffsetsMax);
  if (watermark <= range.low || least >= watermark) return Math.max(range.low, Math.min(watermark, range.high));
  for (const ageMs of agesMs) {
    if (
      ageMs === 0
        ? watermark < range.high
        : ((await offsetsAt(topic, now - ageMs)).get(partition) ?? Infinity) > watermark
    ) {
      // The record at the watermark is older than this.
      continue;
    }
    const start = (await offsetsAt(topic, now - ageMs - limits.repeatLookBackMs)).get(partition) ?? range.low;
    return Math.max(least, Math.min(start, watermark));
  }
  return least;
}
