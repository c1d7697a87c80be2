import { PostriderError } from '@postrider/core';
import { serverLimits } from './server-limits.ts';
import type { Tenant, TenantQuotas } from '@postrider/contract/postrider/v1/tenant';

type Counted = 'endpointsMax' | 'subscriptionsMax' | 'apiKeysMax';

/** What a tenant may have, where nothing else is said of it. */
const quotas: Readonly<Record<Counted, { readonly field: string; readonly what: string; readonly most: number }>> = {
  endpointsMax: { field: 'endpoints_max', what: 'endpoints', most: serverLimits.endpointsPerTenantDefault },
  subscriptionsMax: {
    field: 'subscriptions_max',
    what: 'subscriptions of all endpoints together',
    most: serverLimits.subscriptionsPerTenantDefault,
  },
  apiKeysMax: { field: 'api_keys_max', what: 'API keys', most: serverLimits.apiKeysPerTenantMax },
};

/**
 * Holds what is to be one more to the quota of its tenant.
 * @param tenant undefined: it is of the whole installation, whose quotas are the defaults
 * @throws PostriderError `limit_reached` that names the quota
 */
export function checkQuota(tenant: Pick<Tenant, 'name' | 'quotas'> | undefined, counted: Counted, count: number): void {
  const { field, what, most: byDefault } = quotas[counted];
  const most = tenant?.quotas?.[counted] || byDefault;
  if (count < most) return;
  const subject = tenant?.name ?? 'installation';
  const description = `${most} ${what} (${field})`;
  throw new PostriderError('limit_reached', `${subject} has ${description} already, which is its quota`, {
    quota: { subject, description },
  });
}

/** The numbers of a tenant's quotas, each with the most that may be asked for. */
export const quotaBounds: Readonly<Partial<Record<keyof TenantQuotas, readonly [field: string, most: number]>>> = {
  endpointsMax: ['endpoints_max', serverLimits.quotaMax],
  subscriptionsMax: ['subscriptions_max', serverLimits.quotaMax],
  apiKeysMax: ['api_keys_max', serverLimits.quotaMax],
  publishedEventsPerSecond: ['published_events_per_second', serverLimits.quotaMax],
};
