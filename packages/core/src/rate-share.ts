import { createRateLimit, type RateLimit } from './rate-limit.ts';

/**
 * The part of `perSecond` starts a second that falls to one of several who do not ask each other: together they never
 * exceed it for long, each beginning with its own tenth at once. `fraction`: above 0, at most 1; all parts together are 1.
 */
export function rateShare(perSecond: number, fraction: number): RateLimit {
  const own = perSecond * fraction;
  const count = Math.max(1, Math.floor(own));
  return createRateLimit(count, (1_000 * count) / own);
}
