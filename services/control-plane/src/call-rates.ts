import { createRateLimit, PostriderError } from '@postrider/core';
import { serverLimits } from './server-limits.ts';
import type { Clock, RateLimit } from '@postrider/core';
import type { Principal } from './permissions.ts';

const SECOND_MS = 1_000;

/** How often principals may call. */
export interface CallRates {
  /**
   * Counts one call of this principal.
   * @throws PostriderError `limit_reached` that says when to come back
   */
  take(caller: Principal): void;
}

/**
 * So many calls a second for every principal: fewer for one whose roles are all in tenants, as a customer's are, so that no
 * tenant's programs keep the others from managing theirs. Each replica counts its own calls.
 */
export function createCallRates(clock: Clock): CallRates {
  const limits = new Map<string, RateLimit>();
  return {
    take({ actor, grants }) {
      const now = clock.monotonic();
      const isInTenants = grants.every(({ tenant }) => tenant !== '');
      const count = isInTenants ? serverLimits.tenantCallsPerSecondMax : serverLimits.callsPerSecondMax;
      let limit = limits.get(actor);
      if (limit?.count !== count) {
        if (limits.size >= serverLimits.principalsCountedMax) forgetRested(limits, now);
        limit = createRateLimit(count, SECOND_MS);
        limits.set(actor, limit);
      }
      if (limit.openAt > now) {
        const retryAfterMs = Math.ceil(limit.openAt - now);
        const text = `${actor} may make ${count} calls a second; come back in ${retryAfterMs} ms`;
        throw new PostriderError('limit_reached', text, { retryAfterMs });
      }
      limit.take(now);
    },
  };
}

/** Who has not called for a while is counted from the beginning; when all have, those who came first are. */
function forgetRested(limits: Map<string, RateLimit>, now: number): void {
  for (const [actor, { restedAt }] of limits) if (restedAt <= now) limits.delete(actor);
  for (const actor of limits.keys()) {
    if (limits.size < serverLimits.principalsCountedMax) return;
    limits.delete(actor);
  }
}
