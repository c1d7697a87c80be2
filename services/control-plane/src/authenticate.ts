import { timingSafeEqual } from 'node:crypto';
import { apiKeyId, PostriderError, roleName, tenantOfName } from '@postrider/core';
import { hashApiKey } from './api-key.ts';
import { looksLikeJwt, type VerifyJwt } from './jwt/verify-jwt.ts';
import type { ApiKeyConfig } from '@postrider/contract/postrider/v1/config';
import type { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import type { ConfigSnapshot, ConfigView } from '@postrider/config-view';
import type { Clock, Grant } from '@postrider/core';
import type { NoteKeyUse } from './key-use.ts';
import type { Principal } from './permissions.ts';
import type { Shown } from './tls/shown.ts';

/** Compared with when there is no such key, so that a wrong id takes as long as a wrong secret. */
const noHash = Buffer.alloc(32);

/** Who calls, by what the call shows. Which of the possible reasons it was is not told to who fails. */
export type Authenticate = (shown: Shown) => Principal | Promise<Principal>;

export interface AuthenticateOptions {
  readonly view: Pick<ConfigView, 'snapshot'>;
  readonly clock: Clock;
  readonly noteKeyUse: NoteKeyUse;
  /** Absent: no tokens are believed. */
  readonly verifyJwt?: VerifyJwt;
}

/**
 * Knows callers by their API keys, by JWTs, and those that show neither by the certificates of their connections. What it
 * makes throws PostriderError `unauthenticated`; for a key it answers at once.
 */
export function createAuthenticate({ view, clock, noteKeyUse, verifyJwt }: AuthenticateOptions): Authenticate {
  async function byToken(token: string, verify: VerifyJwt): Promise<Principal> {
    const caller = await verify(token);
    if (caller === null) throw new PostriderError('unauthenticated', 'the token is not valid');
    const { actor, groups } = caller;
    const snapshot = view.snapshot();
    return { actor, grants: [actor, ...groups].flatMap((principal) => grantsOf(principal, snapshot)) };
  }

  return ({ authorization, certificate }) => {
    const snapshot = view.snapshot();
    if (authorization === '') {
      const actor = certificate();
      if (actor !== null) return { actor, grants: grantsOf(actor, snapshot) };
      throw new PostriderError('unauthenticated', 'send an API key: metadata "authorization: Bearer prk_…"');
    }
    const printed = /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
    if (verifyJwt !== undefined && looksLikeJwt(printed)) return byToken(printed, verifyJwt);
    const id = apiKeyId(printed);
    const stored = id === null ? undefined : snapshot.apiKey(id);
    const given = hashApiKey(printed);
    const fits = timingSafeEqual(given, stored?.hash.length === given.length ? stored.hash : noHash);
    if (stored === undefined || !fits || !isUsable(stored, clock.now())) throw refused();
    noteKeyUse(stored);
    const actor = `api-key/${stored.id}`;
    return { actor, grants: [{ role: stored.role, tenant: stored.tenant }, ...grantsOf(actor, snapshot)] };
  };
}

/** What role bindings give to a principal. */
function grantsOf(actor: string, snapshot: ConfigSnapshot): readonly Grant[] {
  return snapshot.roleBindingsOf(actor).map(grantOf);
}

/** What a role binding gives. */
export function grantOf({ role, tenant }: Pick<RoleBinding, 'role' | 'tenant'>): Grant {
  // What begins otherwise is no tenant's name, and must not come to mean "all".
  return { role: roleName(role) ?? '', tenant: tenantOfName(tenant) || tenant };
}

/** Whether a key opens anything: it is neither revoked nor expired. */
export function isUsable({ expireTime, revokeTime }: ApiKeyConfig, nowMs: number): boolean {
  return revokeTime === undefined && (expireTime === undefined || expireTime.getTime() > nowMs);
}

function refused(): PostriderError {
  return new PostriderError('unauthenticated', 'the API key is not valid');
}
