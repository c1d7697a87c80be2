import { isTenantId, mayGrant, PostriderError, roleName } from '@postrider/core';
import { found } from './reject.ts';
import type { Role } from '@postrider/contract/postrider/v1/access';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { Grant, Reach } from '@postrider/core';
import type { Principal } from './permissions.ts';
import type { Violations } from './validate-common.ts';

/** Reads a role and a tenant's name as a client gives them; what is wrong with them is added to the violations. */
export function readGrant(violations: Violations, field: string, role: Role, tenant: string): Grant {
  const name = roleName(role);
  if (name === null) violations.add(`${field}.role`, 'must be a role that this version knows');
  const id = /^tenants\/(.+)$/.exec(tenant)?.[1] ?? '';
  if (tenant !== '' && !isTenantId(id))
    violations.add(`${field}.tenant`, 'must be empty or have the form tenants/{tenant}');
  return { role: name ?? '', tenant: id };
}

/**
 * Ids that all tenants share may be chosen by who sees all of them: whether one is taken is nobody else's business, and
 * what he does not see he might write over.
 */
export function checkChosenId(violations: Violations, field: string, id: string, reach: Reach): void {
  if (id !== '' && reach !== 'all') violations.add(field, 'must be empty: in a tenant, ids are made up');
}

/**
 * Whether a caller may give this, or take it away: nobody gives more than he has.
 * @throws PostriderError `not_found` when the caller sees no such tenant, `permission_denied`
 */
export function checkMayGrant({ grants }: Principal, given: Grant, snapshot: ConfigSnapshot): void {
  if (given.tenant !== '') found(snapshot.tenant(given.tenant), `tenants/${given.tenant}`);
  assertMayGrant(grants, given);
}

/** As `checkMayGrant`, for what was given before: its tenant may be gone. */
export function assertMayGrant(grants: readonly Grant[], given: Grant): void {
  if (mayGrant(grants, given)) return;
  const where = given.tenant === '' ? 'in all tenants' : `in tenants/${given.tenant}`;
  throw new PostriderError('permission_denied', `you may neither give nor take away the role ${given.role} ${where}`);
}
