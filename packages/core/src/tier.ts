import { limits } from './limits.ts';

/** The retry tiers, from the most urgent on: a takeover loads them in this order. */
export const TIERS = ['retry.1m', 'retry.1h', 'retry.14d'] as const;

/** Name of a retry tier, which is also the name of its topic without the installation's prefix. */
export type Tier = (typeof TIERS)[number];

/**
 * The tier for a wait, by how long it is expected to be when the row is put; a row is not moved as time passes.
 * @param expectedWaitMs null when nobody knows, for example until an endpoint is enabled again
 */
export function tierFor(expectedWaitMs: number | null): Tier {
  if (expectedWaitMs === null || Number.isNaN(expectedWaitMs)) return 'retry.14d';
  if (expectedWaitMs <= limits.tierShortWaitMs) return 'retry.1m';
  return expectedWaitMs <= limits.tierMediumWaitMs ? 'retry.1h' : 'retry.14d';
}
