import { PostriderError } from '@postrider/core';
import type { ConfigSnapshot } from '../snapshot.ts';
import type { Keyring } from './keyring.ts';

/** What is sealed under one key-encryption key. */
export interface SealedUnder {
  /** Tenants whose data keys are. */
  tenants: number;
  /** When the first of these was sealed so, ms since the Unix epoch; Infinity: nothing is. */
  since: number;
}

/** What is sealed under each key-encryption key, by its id: records alone tell, so nothing else can be wrong about it. */
export function sealedUnder(snapshot: Pick<ConfigSnapshot, 'tenants'>): Map<string, SealedUnder> {
  const under = new Map<string, SealedUnder>();
  for (const { tenant, dataKey, dataKeySealTime } of snapshot.tenants()) {
    if (dataKey === undefined) continue;
    const one = under.get(dataKey.keyId) ?? { tenants: 0, since: Infinity };
    one.tenants += 1;
    one.since = Math.min(one.since, (dataKeySealTime ?? tenant?.createTime)?.getTime() ?? Infinity);
    under.set(dataKey.keyId, one);
  }
  return under;
}

/**
 * Nothing is sealed under a key that this process does not have.
 * @throws PostriderError `config_invalid` that names each that is missing, and how many tenants need it
 */
export function assertKeysKnown(keyring: Keyring, snapshot: Pick<ConfigSnapshot, 'tenants'>): void {
  const missing = [...sealedUnder(snapshot)].filter(([id]) => keyring.find(id) === undefined);
  if (missing.length === 0) return;
  const which = missing.map(([id, { tenants }]) => `${id} (${tenants} ${tenants === 1 ? 'tenant' : 'tenants'})`);
  const known = keyring.all.map(({ id }) => id).join(', ');
  const text = `POSTRIDER_KEK lacks keys that are in use: ${which.join(', ')}; it has ${known}. Put them behind the first one.`;
  throw new PostriderError('config_invalid', text);
}
