import { TenantState } from '@postrider/contract/postrider/v1/tenant';
import type { TenantConfig } from '@postrider/contract/postrider/v1/config';

/**
 * Whether a tenant is on its way out: nothing is routed or sent to its endpoints any more, what was pending is cancelled, and
 * nothing can be created in it, though some of it is still there. Absent: there is no such tenant, so it is not.
 */
export function isBeingDeleted(config: Pick<TenantConfig, 'tenant'> | undefined): boolean {
  return config?.tenant?.state === TenantState.DELETING;
}
