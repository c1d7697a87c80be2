import { PostriderError } from '@postrider/core';
import { createRates } from './rates.ts';
import { keyOf } from './scoped-config.ts';
import { serverLimits } from './server-limits.ts';
import type { Clock } from '@postrider/core';
import type { Principal } from './permissions.ts';

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
  const rates = createRates(clock, serverLimits.principalsCountedMax);
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
        const limit = rates.of(who, count);
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
