import { createRateLimit, PostriderError } from '@postrider/core';
import { keyOf } from './scoped-config.ts';
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
 * So many calls a second for every principal: fewer for one whose roles are all in tenants, as a customer's are, and only so
 * many for all of these tenants together, who could make themselves any number of keys. So no tenant's programs keep the others
 * from managing theirs. Each replica counts its own calls.
 */
export function createCallRates(clock: Clock): CallRates {
  const limits = new Map<string, RateLimit>();

  function limitOf(who: string, count: number, now: number): RateLimit {
    const known = limits.get(who);
    if (known?.count === count) return known;
    if (limits.size >= serverLimits.principalsCountedMax) forgetRested(limits, now);
    const limit = createRateLimit(count, SECOND_MS);
    limits.set(who, limit);
    return limit;
  }

  return {
    take({ actor, grants }) {
      const now = clock.monotonic();
      const tenants = new Set(grants.map(({ tenant }) => tenant));
      const counted: Counted[] =
        grants.length === 0
          ? strangers(actor)
          : tenants.has('')
            ? [[actor, serverLimits.callsPerSecondMax]]
            : [
                [actor, serverLimits.tenantCallsPerSecondMax],
                [`all of ${keyOf(tenants)}`, serverLimits.tenantTogetherCallsPerSecondMax],
              ];
      const taken = counted.map(([who, count]) => {
        const limit = limitOf(who, count, now);
        if (limit.openAt <= now) return limit;
        const retryAfterMs = Math.ceil(limit.openAt - now);
        const text = `${who} may make ${count} calls a second; come back in ${retryAfterMs} ms`;
        throw new PostriderError('limit_reached', text, { retryAfterMs });
      });
      for (const limit of taken) limit.take(now);
    },
  };
}

/** Of who has shown nothing; all of them together, who are as many as they like. */
function strangers(actor: string): Counted[] {
  return [
    [actor, serverLimits.strangerCallsPerSecondMax],
    ['all without credentials', serverLimits.strangersTogetherCallsPerSecondMax],
  ];
}

/** Whose calls are counted, and how many a second there may be. */
type Counted = readonly [who: string, count: number];

/** Who has not called for a while is counted from the beginning; when all have, those who came first are. */
function forgetRested(limits: Map<string, RateLimit>, now: number): void {
  for (const [actor, { restedAt }] of limits) if (restedAt <= now) limits.delete(actor);
  for (const actor of limits.keys()) {
    if (limits.size < serverLimits.principalsCountedMax) return;
    limits.delete(actor);
  }
}
