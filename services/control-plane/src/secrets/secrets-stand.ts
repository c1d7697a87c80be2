import { sealedUnder } from '@postrider/config-view';
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

/** How old signing secrets are. */
export interface SecretAges {
  /** Those that sign now. */
  readonly count: number;
  /** Of these, those that are older than `serverLimits.secretOldMs`. */
  readonly old: number;
  /** When the oldest of them was made, ms since the Unix epoch; null: there is none. */
  readonly oldest: number | null;
  /** When they were counted, ms since the Unix epoch; null: not yet. */
  readonly countedAt: number | null;
}

/** The primary key first, then the others that are known, then what is missing. */
export function keyStands(snapshot: Pick<ConfigSnapshot, 'tenants'>, keyring: Keyring): KeyStand[] {
  const under = sealedUnder(snapshot);
  const stand = (id: string, state: KeyStand['state'], kmsKey: string): KeyStand => {
    const { tenants = 0, since = Infinity } = under.get(id) ?? {};
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

/** What is shown of keys and secrets as metrics. */
export interface SecretGauges {
  keys(): readonly KeyStand[];
  ages(): SecretAges;
  /** ms since the Unix epoch. */
  now(): number;
}

/** Shows how it stands, by the ids and states of keys: there are few. */
export function addSecretGauges(metrics: Metrics | undefined, { keys, ages, now }: SecretGauges): void {
  metrics?.gauge('postrider_key_encryption_key_tenants', 'Tenants whose data keys are sealed under a key', () =>
    keys().map(({ id, state, tenants }) => [{ key: id, state }, tenants]),
  );
  metrics?.gauge('postrider_key_encryption_key_age_seconds', 'How long a key has been in use', () =>
    keys().flatMap(({ id, since }) => (since === null ? [] : [[{ key: id }, (now() - since) / 1_000] as const])),
  );
  metrics?.gauge('postrider_signing_secrets', 'Signing secrets that sign, and those of them that are old', () => {
    const { count, old } = ages();
    return [
      [{ age: 'any' }, count],
      [{ age: 'old' }, old],
    ];
  });
  metrics?.gauge('postrider_signing_secret_oldest_seconds', 'Age of the oldest signing secret that signs', () => {
    const { oldest } = ages();
    return [[{}, oldest === null ? 0 : (now() - oldest) / 1_000]];
  });
}
