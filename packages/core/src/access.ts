import { methodRules } from '@postrider/contract/postrider/v1/methods';
import type { Role } from '@postrider/contract/postrider/v1/access';

/** What a principal may do, as it stands in records and is told to people. */
export type RoleName = 'admin' | 'operator' | 'tenant-admin' | 'tenant-viewer' | 'publisher' | 'secret-reader';

/** One role in one tenant, or in all. */
export interface Grant {
  /** A name that this version does not know gives nothing. */
  readonly role: string;
  /** Id of the tenant; empty: all. */
  readonly tenant: string;
}

type AnyRule = (typeof methodRules)[keyof typeof methodRules];

/** Who may call a method, as the contract says it. */
export type AccessRule = Pick<AnyRule, 'effect' | 'tenant'> & {
  readonly roles: readonly RoleName[];
  /** No credentials are asked for. */
  readonly anyone?: boolean;
};

/** The methods of the API, without what Postrider's processes ask each other. */
export type MethodName = {
  [M in keyof typeof methodRules]: (typeof methodRules)[M]['internal'] extends false ? M : never;
}[keyof typeof methodRules];

/** The tenants that a call sees: all, or these. Whatever belongs to another one is, for that call, not there. */
export type Reach = 'all' | ReadonlySet<string>;

const noTenant: Reach = new Set();

const roleNames: Readonly<Record<Role, RoleName | null>> = {
  ROLE_UNSPECIFIED: null,
  UNRECOGNIZED: null,
  ROLE_ADMIN: 'admin',
  ROLE_OPERATOR: 'operator',
  ROLE_TENANT_ADMIN: 'tenant-admin',
  ROLE_TENANT_VIEWER: 'tenant-viewer',
  ROLE_PUBLISHER: 'publisher',
  ROLE_SECRET_READER: 'secret-reader',
};

/** The name of a role; null for none, and for one that this version does not know. */
export function roleName(role: Role): RoleName | null {
  return roleNames[role];
}

/** The role of a name; undefined when this version knows none. */
export function roleNamed(name: string): Role | undefined {
  return (Object.keys(roleNames) as Role[]).find((role) => roleNames[role] === name);
}

/** The rule of a method; null when there is none, or when it is not the API's: then nobody may call it. */
export function accessRule(method: string): AccessRule | null {
  if (!Object.hasOwn(methodRules, method)) return null;
  const rule = methodRules[method as keyof typeof methodRules];
  return rule.internal ? null : rule;
}

/**
 * Which tenants a call may see; null: it may not be made.
 *
 * A tenant in which the caller has no role at all is answered as one that does not exist, by seeing less; one in which its
 * roles do not suffice is refused, since that it exists is no secret then.
 * @param named the id of the tenant that the request names; null when it names none
 */
export function reachOf(rule: AccessRule, grants: readonly Grant[], named: string | null): Reach | null {
  if (rule.anyone === true) return noTenant;
  const sufficing = grants.filter(({ role }) => rule.roles.some((one) => one === role));
  if (sufficing.some(({ tenant }) => tenant === '')) return 'all';
  if (rule.tenant === '' || sufficing.length === 0) return null;
  const tenants = new Set(sufficing.map(({ tenant }) => tenant));
  if (rule.tenant === '-') return tenants;
  if (named === null) return null;
  if (tenants.has(named)) return new Set([named]);
  return grants.some(({ tenant }) => tenant === named || tenant === '') ? null : tenants;
}

const tenantRoles: readonly string[] = ['tenant-admin', 'tenant-viewer', 'publisher'];

/** Whether a principal may give this to another: nobody gives more than he has. */
export function mayGrant(grants: readonly Grant[], given: Grant): boolean {
  return grants.some(({ role, tenant }) => {
    if (tenant !== '' && tenant !== given.tenant) return false;
    return role === 'admin' || (role === 'tenant-admin' && tenantRoles.includes(given.role) && given.tenant !== '');
  });
}

/** The id of the tenant in a resource's name, `tenants/{tenant}` or what is below it; null when it is no tenant's. */
export function tenantOfName(name: string): string | null {
  const [collection, tenant] = name.split('/');
  return collection === 'tenants' && tenant !== undefined ? tenant : null;
}

/** The tenant that a request names, where the rule says that it stands; null when it names none. */
export function tenantOfRequest(rule: AccessRule, request: unknown): string | null {
  if (rule.tenant === '' || rule.tenant === '-') return null;
  let value: unknown = request;
  for (const part of rule.tenant.split('.')) value = (value as Readonly<Record<string, unknown>> | undefined)?.[part];
  return typeof value === 'string' ? tenantOfName(value) : null;
}
