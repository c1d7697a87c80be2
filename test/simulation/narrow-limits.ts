import { limits } from '@postrider/core';
import type { Plant } from '../support/plant.ts';

/**
 * Limits that a few hundred deliveries can reach: what happens at a limit is code like any other. Every eighth seed runs with
 * them, in processes of its own, for limits are constants.
 */
const narrow = {
  offsetRangeMax: [10_000, 24],
  progressEveryCompletions: [1_000, 8],
  repeatLookBackOffsetsMax: [10_000, 24],
  laneQueueMax: [1_000, 8],
  stuckDoneFraction: [0.98, 0.7],
} as const;

/** Offsets that a reading which begins below the watermark goes back at most. */
export const NARROW_LOOK_BACK_OFFSETS = narrow.repeatLookBackOffsetsMax[1];

export const narrowLimits: readonly Plant[] = Object.entries(narrow).map(([name, [wide, small]]) => ({
  file: 'packages/core/src/limits.ts',
  find: `  ${name}: ${wide >= 1_000 ? `${wide / 1_000}_000` : wide},`,
  replace: `  ${name}: ${small},`,
}));

/** Whether a seed runs with them. */
export function isNarrow(seed: number): boolean {
  return seed % 8 === 7;
}

/** Throws when this process has the other limits. */
export function assertLimitsFor(isNarrowPlan: boolean): void {
  const isNarrowProcess = Object.is(limits.offsetRangeMax, narrow.offsetRangeMax[1]);
  if (isNarrowProcess !== isNarrowPlan)
    throw new Error(`this process has ${isNarrowPlan ? 'wide' : 'narrow'} limits: run the seed with npm run simulate`);
}
