import { accessRule, PostriderError, reachOf, tenantOfRequest } from '@postrider/core';
import type { Grant, MethodName, Reach } from '@postrider/core';

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
  const roles: readonly string[] = accessRule(method)?.roles ?? [];
  if (grants.some(({ role }) => roles.includes(role))) return;
  throw new PostriderError('permission_denied', `you may not call ${method} here`);
}

/**
 * The tenants that a caller sees in this call. Default deny: a method without a rule may be called by nobody.
 * @throws PostriderError `permission_denied`
 */
export function authorize(method: MethodName, { grants }: Pick<Principal, 'grants'>, request: unknown): Reach {
  const rule = accessRule(method);
  const reach = rule === null ? null : reachOf(rule, grants, tenantOfRequest(rule, request));
  if (reach === null) throw new PostriderError('permission_denied', `you may not call ${method} here`);
  return reach;
}
