import { createHash } from 'node:crypto';
import { limits, parseKek, PostriderError, Secret } from '@postrider/core';
import { sealDataKey } from '../sealed-config.ts';
import type { RandomBytes, SealingKey } from '@postrider/core';
import type { SealedSecret } from '@postrider/contract/postrider/v1/config';

/** A key of a key management service: it seals and opens there, and never leaves. */
export interface Kms {
  /** What people know the key by, an ARN for example. */
  readonly label: string;
  /** Rejects as `decrypt` does. */
  encrypt(plaintext: Buffer, context: KmsContext): Promise<Buffer>;
  /** Rejects with an error whose `refused` is true when trying again is of no use; with any other when nobody answered. */
  decrypt(ciphertext: Buffer, context: KmsContext): Promise<Buffer>;
}

/** What is sealed belongs to this, and opens with nothing else. */
export type KmsContext = Readonly<Record<string, string>>;

/** A key that tenants' data keys are sealed under. */
export type KeyEncryptionKey =
  | { readonly kind: 'local'; readonly id: string; readonly sealing: SealingKey }
  | { readonly kind: 'kms'; readonly id: string; readonly kms: Kms };

/** The key-encryption keys that this process knows. */
export interface Keyring {
  /** What is sealed from now on is sealed under this one. */
  readonly primary: KeyEncryptionKey;
  /** All, the primary first. */
  readonly all: readonly KeyEncryptionKey[];
  find(id: string): KeyEncryptionKey | undefined;
  /** What every process of the installation has, the newest first: by it they know each other's calls. */
  readonly shared: readonly SealingKey[];
}

/** What else a keyring is read with. */
export interface KeyringOptions {
  /** The key of this name, `aws-kms:…` for example; absent: no KMS can be used. */
  readonly kms?: (name: string) => Kms;
  /** What processes know each other's calls by; absent: the local keys. */
  readonly callKey?: SealingKey;
}

/** Version of the layout of what a KMS has sealed. */
const KMS_VERSION = 1;
const KMS_ALGORITHM = 'KMS';

/**
 * Reads the key-encryption keys: divided by commas or white space, the primary first. Each is 32 bytes as hexadecimal digits
 * or base64, or the name of a key in a KMS, `<kind>:<key>`.
 * @throws PostriderError `key_invalid`, without showing a key
 */
export function parseKeyring(text: Secret, options: KeyringOptions = {}): Keyring {
  const entries = text
    .reveal()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '');
  const { keyEncryptionKeysMax: most } = limits;
  if (entries.length > most) throw invalid(`there are ${entries.length} keys; at most ${most} are allowed`);
  const keys = entries.map((entry, at): KeyEncryptionKey => {
    try {
      if (!entry.includes(':')) return local(parseKek(new Secret(entry)));
      if (options.kms === undefined) throw invalid('no key management service can be used here');
      const kms = options.kms(entry);
      const id = `kek_${createHash('sha256').update(`kms\n${kms.label}`).digest('hex').slice(0, 16)}`;
      return { kind: 'kms', id, kms };
    } catch (error) {
      if (entries.length === 1 || !(error instanceof Error)) throw error;
      throw invalid(`key ${at + 1} of ${entries.length}: ${error.message}`);
    }
  });
  return keyring(keys, options.callKey);
}

/** A secret of the environment. */
interface Given {
  reveal(): string;
}

/**
 * The keyring that the environment gives: `kek` as `parseKeyring` reads it, where `aws-kms:<ARN>` is a key of AWS KMS, and
 * `callKey`, one more key in the form of a local one.
 * @throws PostriderError `key_invalid`; what `awsKms` throws
 */
export function readKeyring(
  { kek, callKey }: { readonly kek: Given; readonly callKey: Given | undefined },
  awsKms: (arn: string) => Kms,
): Keyring {
  return parseKeyring(new Secret(kek.reveal()), {
    ...(callKey === undefined ? {} : { callKey: parseKek(new Secret(callKey.reveal())) }),
    kms(name) {
      const [, arn] = /^aws-kms:(.+)$/.exec(name) ?? [];
      if (arn === undefined) throw invalid('of key management services only aws-kms:<ARN> is known');
      return awsKms(arn);
    },
  });
}

/** The keyring of local keys, the primary first. */
export function localKeys(...keys: readonly SealingKey[]): Keyring {
  return keyring(keys.map(local));
}

function local(sealing: SealingKey): KeyEncryptionKey {
  return { kind: 'local', id: sealing.id, sealing };
}

/** @throws PostriderError `key_invalid` */
export function keyring(keys: readonly KeyEncryptionKey[], callKey?: SealingKey): Keyring {
  const [primary] = keys;
  if (primary === undefined) throw invalid('there is none');
  const byId = new Map(keys.map((key) => [key.id, key]));
  if (byId.size < keys.length) throw invalid('one key stands there twice');
  const own = keys.flatMap((key) => (key.kind === 'local' ? [key.sealing] : []));
  const shared = callKey === undefined ? own : [callKey, ...own];
  if (shared.length === 0) {
    throw invalid('a KMS keeps all of them, so POSTRIDER_CALL_KEY must give what processes know each other’s calls by');
  }
  return { primary, all: keys, find: (id) => byId.get(id), shared };
}

/** Seals a tenant's data key under a key-encryption key. Rejects as the KMS does. */
export async function wrapDataKey(
  dataKey: SealingKey,
  key: KeyEncryptionKey,
  tenantId: string,
  random: RandomBytes,
): Promise<SealedSecret> {
  const material = dataKey.key.export();
  if (key.kind === 'local') return sealDataKey(new Secret(material), key.sealing, tenantId, random);
  const ciphertext = await key.kms.encrypt(material, kmsContext(tenantId));
  return { algorithm: KMS_ALGORITHM, keyId: key.id, nonce: Buffer.alloc(0), ciphertext, version: KMS_VERSION };
}

/**
 * Asks the KMS for a tenant's data key. Rejects as the KMS does, and with
 * PostriderError `secret_unreadable` for what no KMS has sealed.
 */
export async function unwrapByKms(sealed: SealedSecret, kms: Kms, tenantId: string): Promise<Secret> {
  if (sealed.algorithm !== KMS_ALGORITHM || sealed.version !== KMS_VERSION) {
    const text = `the data key of tenant ${tenantId} is sealed in a way that this version does not know`;
    throw new PostriderError('secret_unreadable', text);
  }
  return new Secret(await kms.decrypt(sealed.ciphertext, kmsContext(tenantId)));
}

function kmsContext(tenantId: string): KmsContext {
  return { 'postrider:tenant': tenantId, 'postrider:kind': 'data-key' };
}

function invalid(why: string): PostriderError {
  return new PostriderError('key_invalid', `the key-encryption keys cannot be used: ${why}`);
}
