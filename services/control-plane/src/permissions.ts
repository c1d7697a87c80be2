import { accessRule, isTenantId, PostriderError, reachOf, tenantOfRequest } from '@postrider/core';
import type { AccessRule, Grant, MethodName, Reach } from '@postrider/core';

/** Who calls. */
export interface Principal {
  /** For the audit: one of `PRINCIPAL_FORMS`. */
  readonly actor: string;
  readonly grants: readonly Grant[];
  /** For the audit: what it was known by, where the actor does not say it. */
  readonly credential?: string;
}

/**
 * What a call may begin with that does not say its tenant yet: whoever has the roles for it in no tenant need not say one.
 * @throws PostriderError `permission_denied`
 */
export function authorizeSomewhere(method: MethodName, { grants }: Pick<Principal, 'grants'>): void {
  const rule = accessRule(method);
  const roles: readonly string[] = rule?.roles ?? [];
  if (grants.some(({ role }) => roles.includes(role))) return;
  throw denied(method, rule, null);
}

/**
 * The tenants that a caller sees in this call. Default deny: a method without a rule may be called by nobody.
 * @throws PostriderError `permission_denied`
 */
export function authorize(method: MethodName, { grants }: Pick<Principal, 'grants'>, request: unknown): Reach {
  const rule = accessRule(method);
  const named = rule === null ? null : tenantOfRequest(rule, request);
  const reach = rule === null ? null : reachOf(rule, grants, named);
  if (reach === null) throw denied(method, rule, named);
  return reach;
}

/**
 * Says which roles it takes, and where: all of it stands in the contract and in the request, so nothing is told of what there is.
 */
function denied(method: MethodName, rule: AccessRule | null, named: string | null): PostriderError {
  const roles = rule?.roles ?? [];
  const where =
    rule?.tenant === ''
      ? 'in all tenants'
      : `${named === null || !isTenantId(named) ? 'in the tenant' : `in tenants/${named}`}, or in all`;
  const takes = roles.length === 0 ? '' : `: it takes ${listed(roles)} ${where}`;
  return new PostriderError('permission_denied', `you may not call ${method} here${takes}`);
}

function listed(roles: readonly string[]): string {
  return roles.length === 1 ? (roles[0] ?? '') : `${roles.slice(0, -1).join(', ')} or ${roles.at(-1)}`;
}
