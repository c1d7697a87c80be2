import { sealedUnder } from '@postrider/config-view';
import { signsAt } from '@postrider/core';
import { serverLimits } from '../server-limits.ts';
import { endOf } from './secret-resource.ts';
import type { ConfigSnapshot, Keyring } from '@postrider/config-view';
import type { Metrics } from '@postrider/runtime';

/** A key-encryption key as this process sees it. */
export interface KeyStand {
  readonly id: string;
  readonly state: 'primary' | 'known' | 'missing';
  /** Name of the key in its KMS; empty: it is in none. */
  readonly kmsKey: string;
  /** Tenants whose data keys are sealed under it. */
  readonly tenants: number;
  /** Since when the first of these has been, ms since the Unix epoch; null: none is. */
  readonly since: number | null;
}

/** How it stands with all secrets of the installation. */
export interface SecretsStand {
  readonly keys: readonly KeyStand[];
  /** Signing secrets that sign now. */
  readonly count: number;
  /** Those that are older than `serverLimits.secretOldMs`. */
  readonly old: number;
  /** When the oldest of them was made, ms since the Unix epoch; null: there is none. */
  readonly oldest: number | null;
  /** As of then. */
  readonly at: number;
}

/** Nothing was looked at yet. */
export const noSecrets: SecretsStand = Object.freeze({ keys: [], count: 0, old: 0, oldest: null, at: 0 });

/** The primary key first, then the others that are known, then what is missing. */
export function keyStands(snapshot: Pick<ConfigSnapshot, 'tenants'>, keyring: Keyring): KeyStand[] {
  const under = sealedUnder(snapshot);
  const stand = (id: string, state: KeyStand['state'], kmsKey: string): KeyStand => {
    const { tenants = 0, since = null } = under.get(id) ?? {};
    return { id, state, kmsKey, tenants, since: since === Infinity ? null : since };
  };
  const missing = [...under.keys()].filter((id) => keyring.find(id) === undefined);
  return [
    ...keyring.all.map((key) =>
      stand(key.id, key === keyring.primary ? 'primary' : 'known', key.kind === 'kms' ? key.kms.label : ''),
    ),
    ...missing.map((id) => stand(id, 'missing', '')),
  ];
}

/** Looks at everything (`now`: ms since the Unix epoch). */
export function secretsStand(
  snapshot: Pick<ConfigSnapshot, 'tenants' | 'endpoints'>,
  keyring: Keyring,
  now: number,
): SecretsStand {
  let [count, old, oldest] = [0, 0, Infinity];
  for (const { secrets } of snapshot.endpoints()) {
    for (const secret of secrets) {
      if (!signsAt({ endsAt: endOf(secret) }, now)) continue;
      const madeAt = secret.createTime?.getTime() ?? now;
      count += 1;
      if (now - madeAt > serverLimits.secretOldMs) old += 1;
      oldest = Math.min(oldest, madeAt);
    }
  }
  return { keys: keyStands(snapshot, keyring), count, old, oldest: oldest === Infinity ? null : oldest, at: now };
}

/** Shows how it stands, by the key ids and states that there are: few. */
export function secretGauges(metrics: Metrics | undefined, stand: () => SecretsStand): void {
  metrics?.gauge('postrider_key_encryption_key_tenants', 'Tenants whose data keys are sealed under a key', () =>
    stand().keys.map(({ id, state, tenants }) => [{ key: id, state }, tenants]),
  );
  metrics?.gauge('postrider_key_encryption_key_age_seconds', 'How long a key has been in use', () => {
    const { keys, at } = stand();
    return keys.flatMap(({ id, since }) => (since === null ? [] : [[{ key: id }, (at - since) / 1_000] as const]));
  });
  metrics?.gauge('postrider_signing_secrets', 'Signing secrets that sign, and those of them that are old', () => {
    const { count, old } = stand();
    return [
      [{ age: 'any' }, count],
      [{ age: 'old' }, old],
    ];
  });
  metrics?.gauge('postrider_signing_secret_oldest_seconds', 'Age of the oldest signing secret that signs', () => {
    const { oldest, at } = stand();
    return [[{}, oldest === null ? 0 : (at - oldest) / 1_000]];
  });
}
