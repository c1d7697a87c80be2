import { DEFAULT_POOL, poolOf, poolResourceName } from '@postrider/egress';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { Tenant } from '@postrider/contract/postrider/v1/tenant';
import type { FieldViolation } from '@postrider/core';

/** Names of the egress pools that there are. */
export type KnownPools = ReadonlySet<string>;

const FIELD = 'tenant.quotas.egress_pools';

/** The pools that a tenant's endpoints may use. */
function allowedPools(tenant: Tenant | undefined): readonly string[] {
  const named = tenant?.quotas?.egressPools ?? [];
  return named.length === 0 ? [DEFAULT_POOL] : named.map(poolOf);
}

/** What is wrong with the pools that a tenant's endpoints may use; `endpoints` are those that it has. */
export function tenantPoolProblems(
  tenant: Tenant,
  known: KnownPools,
  endpoints: Iterable<EndpointConfig>,
): readonly FieldViolation[] {
  const named = tenant.quotas?.egressPools ?? [];
  const problems: FieldViolation[] = named.flatMap((name, index) => {
    const field = `${FIELD}[${index}]`;
    if (name === '' || !known.has(poolOf(name)))
      return [{ field, description: `must be one of ${[...known].map(poolResourceName).join(', ')}` }];
    return named.indexOf(name) < index ? [{ field, description: 'names a pool twice' }] : [];
  });
  const allowed = allowedPools(tenant);
  for (const { endpoint } of endpoints) {
    const pool = poolOf(endpoint?.egressPool ?? '');
    if (allowed.includes(pool)) continue;
    const description = `leaves out ${poolResourceName(pool)}, which ${endpoint?.name} uses`;
    return [...problems, { field: FIELD, description }];
  }
  return problems;
}

/**
 * What is wrong with the pool that an endpoint of this tenant wants.
 * @param isGivenUp whether all addresses of a pool are retired, so that nothing would ever leave for the endpoint
 */
export function endpointPoolProblems(
  egressPool: string,
  tenant: Tenant | undefined,
  known: KnownPools,
  isGivenUp: (pool: string) => boolean,
): readonly FieldViolation[] {
  // Of other pools than its own a tenant learns nothing.
  const usable = allowedPools(tenant).filter((pool) => known.has(pool) && !isGivenUp(pool));
  if (usable.includes(poolOf(egressPool))) return [];
  const names = usable.map(poolResourceName).join(', ');
  const description = `must be one of the egress pools that ${tenant?.name} may use: ${names === '' ? 'none' : names}`;
  return [{ field: 'endpoint.egress_pool', description }];
}
