import { createRateLimit, PostriderError } from '@postrider/core';
import { serverLimits } from '../server-limits.ts';
import type { Tenant } from '@postrider/contract/postrider/v1/tenant';
import type { Clock, RateLimit } from '@postrider/core';

const SECOND_MS = 1_000;

/** How many events tenants may publish. */
export interface PublishRates {
  /**
   * Counts so many events of this tenant.
   * @throws PostriderError `limit_reached`, with when to come back; then nothing is counted
   */
  take(tenant: Pick<Tenant, 'name' | 'quotas'>, events: number): void;
}

/** Each replica counts what is published through it. A call is let in as a whole, and those behind it wait for its events. */
export function createPublishRates(clock: Clock): PublishRates {
  const limits = new Map<string, RateLimit>();

  function limitOf({ name, quotas }: Pick<Tenant, 'name' | 'quotas'>): RateLimit {
    const count = quotas?.publishedEventsPerSecond || serverLimits.publishedPerSecondDefault;
    const known = limits.get(name);
    if (known?.count === count) return known;
    const limit = createRateLimit(count, SECOND_MS);
    limits.set(name, limit);
    return limit;
  }

  return {
    take(tenant, events) {
      const now = clock.monotonic();
      const limit = limitOf(tenant);
      if (limit.openAt > now) {
        const retryAfterMs = Math.ceil(limit.openAt - now);
        const description = `${limit.count} published events a second at each replica (published_events_per_second)`;
        throw new PostriderError('limit_reached', `${tenant.name}: ${description}; come back in ${retryAfterMs} ms`, {
          retryAfterMs,
          quota: { subject: tenant.name, description },
        });
      }
      for (let taken = 0; taken < events; taken += 1) limit.take(now);
    },
  };
}
