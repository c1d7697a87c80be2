import { createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose';
import { serverLimits } from '../server-limits.ts';

/** The public keys of an issuer: finds the one that a token names. */
export type FindKey = ReturnType<typeof createLocalJWKSet>;

/** Keys that verify signatures as they were read at one moment. */
export interface KeySet {
  readonly find: FindKey;
  readonly count: number;
}

/**
 * Reads a JSON Web Key Set (RFC 7517). What verifies no signature by a public key is left out.
 * @throws Error one sentence, when it is none, holds a private key, or no key that can be used
 */
export function parseKeySet(source: string): KeySet {
  const given = keysIn(source);
  if (given.length > serverLimits.jwksKeysMax) throw new Error(`it has more than ${serverLimits.jwksKeysMax} keys`);
  if (given.some((key) => 'd' in key)) throw new Error('it holds a private key: only public ones belong there');
  const keys = given.filter(({ kty, use }) => kty !== 'oct' && (use ?? 'sig') === 'sig');
  if (keys.length === 0) throw new Error('it holds no public key for signatures');
  return { find: createLocalJWKSet({ keys } satisfies JSONWebKeySet), count: keys.length };
}

function keysIn(source: string): readonly JWK[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(source);
  } catch (error) {
    throw new Error('it is no JSON', { cause: error });
  }
  const keys = (parsed as { readonly keys?: unknown } | null)?.keys;
  const isObject = (key: unknown): boolean => typeof key === 'object' && key !== null && !Array.isArray(key);
  if (!Array.isArray(keys) || !keys.every(isObject)) throw new Error('it has no list of keys');
  return keys as readonly JWK[];
}
