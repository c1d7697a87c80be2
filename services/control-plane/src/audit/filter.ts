import { invalidArgument } from '@postrider/core';
import type { AuditEntry } from '@postrider/contract/postrider/v1/audit';
import type { AuditFilter } from '@postrider/contract/postrider/v1/audit_service';
import type { FieldViolation } from '@postrider/core';

const NAME_CHARS_MAX = 512;
const blank: AuditFilter = {
  ...{ tenant: '', principal: '', resource: '', method: '' },
  startTime: undefined,
  endTime: undefined,
};

/**
 * What a filter lets through.
 * @throws PostriderError `invalid_argument` that names its fields
 */
export function auditMatcher(filter: AuditFilter = blank): (entry: AuditEntry) => boolean {
  const violations: FieldViolation[] = [];
  const { tenant, principal, resource, method, startTime, endTime } = filter;
  if (tenant !== '' && !/^tenants\/[^/]+$/.test(tenant)) {
    violations.push({ field: 'filter.tenant', description: 'must have the form tenants/{tenant}' });
  }
  for (const [field, value] of Object.entries({ tenant, principal, resource, method })) {
    if (value.length <= NAME_CHARS_MAX) continue;
    violations.push({ field: `filter.${field}`, description: `must have at most ${NAME_CHARS_MAX} characters` });
  }
  if (startTime !== undefined && endTime !== undefined && startTime.getTime() >= endTime.getTime()) {
    violations.push({ field: 'filter.end_time', description: 'must be behind start_time' });
  }
  if (violations.length > 0) throw invalidArgument(violations);
  return (entry) => {
    const time = entry.time?.getTime() ?? 0;
    return (
      (tenant === '' || entry.tenant === tenant) &&
      (principal === '' || entry.principal === principal) &&
      (resource === '' || entry.resource === resource || entry.resource.startsWith(`${resource}/`)) &&
      (method === '' || entry.method === method) &&
      (startTime === undefined || time >= startTime.getTime()) &&
      (endTime === undefined || time < endTime.getTime())
    );
  };
}
