import { PostriderError } from '@postrider/core';
import { grantOf, isUsable } from './authenticate.ts';
import type { ApiKeyConfig } from '@postrider/contract/postrider/v1/config';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { Grant, RoleName } from '@postrider/core';

const ADMIN: RoleName = 'admin';

/** What is to be taken away: a key, with all that is given to it, or one binding. */
export type TakenAway = { readonly apiKey: string } | { readonly roleBinding: string };

/**
 * Whoever takes away the last admin of all tenants can give nobody that role any more. Tokens and certificates count by
 * their bindings: whether anybody can show one is not known here.
 * @throws PostriderError `last_admin`
 */
export function checkLastAdmin(snapshot: ConfigSnapshot, now: Date, taken: TakenAway, force: boolean): void {
  if (force || !hasAdmin(snapshot, now, null) || hasAdmin(snapshot, now, taken)) return;
  const text = 'nobody else is admin in all tenants: give the role to another key or principal first, or set force';
  throw new PostriderError('last_admin', text);
}

function hasAdmin(snapshot: ConfigSnapshot, now: Date, without: TakenAway | null): boolean {
  const goneKey = without !== null && 'apiKey' in without ? without.apiKey : '';
  const goneBinding = without !== null && 'roleBinding' in without ? without.roleBinding : '';
  const opens = (key: ApiKeyConfig | undefined): boolean =>
    key !== undefined && key.id !== goneKey && isUsable(key, now.getTime());
  for (const key of snapshot.apiKeys()) if (isAdmin(key) && opens(key)) return true;
  for (const binding of snapshot.roleBindings()) {
    if (!isAdmin(grantOf(binding)) || binding.name === goneBinding) continue;
    const [kind, id = ''] = binding.principal.split('/');
    if (kind !== 'api-key' || opens(snapshot.apiKey(id))) return true;
  }
  return false;
}

function isAdmin({ role, tenant }: Grant): boolean {
  return role === ADMIN && tenant === '';
}
