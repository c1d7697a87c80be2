import { hash } from 'node:crypto';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { isPrincipal, jsonMembers, type Clock } from '@postrider/core';
import { serverLimits } from '../server-limits.ts';
import type { JwtSettings } from './jwt-env.ts';
import type { KeySet } from './key-set.ts';
import type { KeySource } from './key-source.ts';

/** Whom a token names. */
export interface JwtCaller {
  /** `user/{subject}`. */
  readonly actor: string;
  /** `group/{name}` of each of its groups. */
  readonly groups: readonly string[];
}

/** Whom a token names; null: nobody, for whatever reason. */
export type VerifyJwt = (token: string) => Promise<JwtCaller | null>;

/** A token that was verified. */
interface Known {
  readonly caller: JwtCaller;
  readonly keys: KeySet;
  /** By the wall clock, and by the monotonic one, ms. */
  readonly endsAt: number;
  readonly knownUntil: number;
}

const form = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Whether a text can be a JSON Web Token in its compact form. */
export function looksLikeJwt(text: string): boolean {
  return text.length <= serverLimits.jwtBytesMax && form.test(text);
}

export interface VerifyJwtOptions {
  readonly settings: Omit<JwtSettings, 'keys'>;
  readonly source: Pick<KeySource, 'current' | 'look'>;
  readonly clock: Clock;
}

/**
 * Verifies tokens of one issuer: signature by one of its keys and one of the allowed algorithms, issuer, audience, times, and
 * a subject. One that was verified is known for a minute, by its hash, as long as the keys are the same.
 */
export function createVerifyJwt({ settings, source, clock }: VerifyJwtOptions): VerifyJwt {
  const known = new Map<string, Known>();
  const { issuer, audiences, algorithms, clockSkewMs } = settings;

  async function payloadOf(token: string, { find }: KeySet): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, find, {
      ...{ issuer, audience: [...audiences], algorithms: [...algorithms] },
      ...{ clockTolerance: clockSkewMs / 1_000, currentDate: new Date(clock.now()), requiredClaims: ['exp', 'sub'] },
    });
    return payload;
  }

  /** Null where the token is of no key, and none has come since. */
  async function verified(token: string): Promise<{ readonly payload: JWTPayload; readonly keys: KeySet } | null> {
    const keys = source.current();
    try {
      if (keys !== null) return { payload: await payloadOf(token, keys), keys };
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) return null;
    }
    await source.look();
    const next = source.current();
    if (next === null || next === keys) return null;
    return { payload: await payloadOf(token, next), keys: next };
  }

  function remember(id: string, payload: JWTPayload, keys: KeySet, caller: JwtCaller): void {
    // The oldest go first: they are soonest to be verified anew in any case.
    for (const oldest of known.keys()) {
      if (known.size < serverLimits.jwtsKnownMax) break;
      known.delete(oldest);
    }
    const endsAt = (payload.exp ?? 0) * 1_000 + clockSkewMs;
    known.set(id, { caller, keys, endsAt, knownUntil: clock.monotonic() + serverLimits.jwtKnownMs });
  }

  return async (token) => {
    const id = hash('sha256', token, 'base64');
    const before = known.get(id);
    if (before !== undefined) {
      const isGood =
        before.keys === source.current() && clock.now() < before.endsAt && clock.monotonic() < before.knownUntil;
      if (isGood) return before.caller;
      known.delete(id);
    }
    const found = await verified(token)
      .then((good) => (isUnambiguous(token) ? good : null))
      .catch(() => null);
    if (found === null) return null;
    const { payload, keys } = found;
    if ((payload.exp ?? Infinity) * 1_000 > clock.now() + serverLimits.jwtLifetimeMaxMs + clockSkewMs) return null;
    const caller = callerOf(payload, settings.groupsClaim);
    if (caller !== null) remember(id, payload, keys, caller);
    return caller;
  };
}

/** Null: the subject is none that a role binding could name. */
function callerOf(payload: JWTPayload, groupsClaim: string | undefined): JwtCaller | null {
  const actor = `user/${payload.sub}`;
  if (typeof payload.sub !== 'string' || !isPrincipal(actor)) return null;
  const listed = groupsClaim === undefined ? [] : payload[groupsClaim];
  const groups = (Array.isArray(listed) ? listed : [])
    .filter((group) => typeof group === 'string')
    .map((group) => `group/${group}`)
    .filter(isPrincipal);
  return { actor, groups: [...new Set(groups)].slice(0, serverLimits.jwtGroupsMax) };
}

/** Two claims of one name are read as the one by some and as the other by others, who may have checked it (RFC 7519, 4). */
function isUnambiguous(token: string): boolean {
  return token.split('.', 2).every((part) => {
    const names = jsonMembers(Buffer.from(part, 'base64url'), 'a token').map(({ name }) => name);
    return new Set(names).size === names.length;
  });
}
