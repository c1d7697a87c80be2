import { PostriderError } from '@postrider/core';
import { createRates } from '../rates.ts';
import { serverLimits } from '../server-limits.ts';
import type { Tenant } from '@postrider/contract/postrider/v1/tenant';
import type { Clock } from '@postrider/core';

/** How many events tenants may publish. */
export interface PublishRates {
  /**
   * Whether this tenant may publish now; what is returned counts so many of its events, once there is room for them.
   * @throws PostriderError `limit_reached`, with when to come back
   */
  admit(tenant: Pick<Tenant, 'name' | 'quotas'>): (events: number) => void;
}

/** Each replica counts what is published through it. A call is let in as a whole, and those behind it wait for its events. */
export function createPublishRates(clock: Clock): PublishRates {
  // There are no more than tenants.
  const rates = createRates(clock, Infinity);
  return {
    admit(tenant) {
      const now = clock.monotonic();
      const limit = rates.of(
        tenant.name,
        tenant.quotas?.publishedEventsPerSecond || serverLimits.publishedPerSecondDefault,
      );
      if (limit.openAt > now) {
        const retryAfterMs = Math.ceil(limit.openAt - now);
        const description = `${limit.count} published events a second at each replica (published_events_per_second)`;
        throw new PostriderError('limit_reached', `${tenant.name}: ${description}; come back in ${retryAfterMs} ms`, {
          retryAfterMs,
          quota: { subject: tenant.name, description },
        });
      }
      return (events) => {
        for (let taken = 0; taken < events; taken += 1) limit.take(now);
      };
    },
  };
}
