import { checkDisplayName, checkKnown, checkLabels, createViolations, NOT_SUPPORTED } from './validate-common.ts';
import { quotaBounds } from './quotas.ts';
import type { Tenant, TenantQuotas } from '@postrider/contract/postrider/v1/tenant';
import type { FieldViolation } from '@postrider/core';

/** Everything that is wrong with a tenant as a client wants it. */
export function validateTenant(tenant: Tenant): readonly FieldViolation[] {
  const violations = createViolations();
  checkDisplayName(violations, 'tenant.display_name', tenant.displayName);
  checkLabels(violations, 'tenant.labels', tenant.labels);
  checkKnown(violations, 'tenant.verification', tenant.verification);
  const { quotas } = tenant;
  if (quotas !== undefined && quotas.deliveriesPerSecond !== 0) {
    violations.add('tenant.quotas.deliveries_per_second', NOT_SUPPORTED);
  }
  for (const [name, [field, most]] of Object.entries(quotaBounds)) {
    const asked = Number(quotas?.[name as keyof TenantQuotas] ?? 0);
    if (asked > most) violations.add(`tenant.quotas.${field}`, `must be at most ${most}; 0 is the default`);
  }
  return violations.list;
}
