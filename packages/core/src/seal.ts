import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { SealedSecret } from '@postrider/contract/postrider/v1/config';
import { PostriderError } from './errors.ts';
import type { RandomBytes } from './ids.ts';
import { Secret } from './secret.ts';

/** Version of the layout of a sealed secret and of its authenticated data. */
export const SEALED_SECRET_VERSION = 1;

const ALGORITHM = 'AES-256-GCM';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A key that secrets are sealed under: the key-encryption key, or a tenant's data key. Prints without its material. */
export interface SealingKey {
  /** Stands in every secret that was sealed under it. */
  readonly id: string;
  readonly key: KeyObject;
}

/** What a sealed secret belongs to. It opens nowhere else. No part may hold a `|`. */
export interface SealContext {
  /** The tenant's id. */
  readonly tenant: string;
  /** What it is, for example `signing-secret` or `data-key`. */
  readonly kind: string;
  /** Id of the secret within its kind. */
  readonly id: string;
  /** Version of the authenticated data; the current one if absent. */
  readonly version?: number;
}

/**
 * Encrypts a secret with AES-256-GCM under a fresh random nonce of 96 bits.
 * Authenticated data: `postrider|<tenant>|<kind>|<id>|<version>`.
 * @throws PostriderError `internal` for a context whose parts are empty or ambiguous
 */
export function seal(secret: Secret, key: SealingKey, context: SealContext, random: RandomBytes): SealedSecret {
  const version = context.version ?? SEALED_SECRET_VERSION;
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(authenticatedData(context, version));
  const ciphertext = Buffer.concat([cipher.update(secret.revealBytes()), cipher.final(), cipher.getAuthTag()]);
  return { algorithm: ALGORITHM, keyId: key.id, nonce, ciphertext, version };
}

/**
 * Opens a sealed secret.
 * @throws PostriderError `secret_unreadable` when it was sealed under another key or for another context, or is damaged
 */
export function open(sealed: SealedSecret, key: SealingKey, context: SealContext): Secret {
  const version = context.version ?? SEALED_SECRET_VERSION;
  const what = `${context.kind} ${context.id} of tenant ${context.tenant}`;
  const unreadable = (why: string, details?: { cause: unknown }) =>
    new PostriderError('secret_unreadable', `${what} cannot be opened: ${why}`, details);
  if (sealed.algorithm !== ALGORITHM) throw unreadable(`unknown algorithm ${JSON.stringify(sealed.algorithm)}`);
  if (sealed.version !== version) throw unreadable(`it has version ${sealed.version}, not ${version}`);
  if (sealed.keyId !== key.id) throw unreadable(`it is sealed under key ${sealed.keyId}, not ${key.id}`);
  if (sealed.nonce.length !== NONCE_BYTES || sealed.ciphertext.length < TAG_BYTES) throw unreadable('it is damaged');
  const end = sealed.ciphertext.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key.key, sealed.nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(authenticatedData(context, version));
  decipher.setAuthTag(sealed.ciphertext.subarray(end));
  try {
    return new Secret(Buffer.concat([decipher.update(sealed.ciphertext.subarray(0, end)), decipher.final()]));
  } catch (cause) {
    throw unreadable('it is damaged, or was sealed for something else', { cause });
  }
}

/**
 * Reads a key-encryption key: 32 bytes as 64 hexadecimal digits or as base64 (either alphabet). White space around it is
 * dropped, because files end in a newline. Its id is derived from the key, so that two different keys are told apart
 * and the same key is recognised everywhere.
 * @throws PostriderError `key_invalid`
 */
export function parseKek(text: Secret | string): SealingKey {
  const trimmed = (typeof text === 'string' ? text : text.reveal()).trim();
  const bytes = decodeKey(trimmed);
  if (bytes === null) throw new PostriderError('key_invalid', 'the key is neither hexadecimal nor base64');
  const id = `kek_${createHmac('sha256', bytes).update('postrider key id').digest('hex').slice(0, 16)}`;
  return sealingKey(id, new Secret(bytes));
}

/**
 * A key to seal under, made from its 32 bytes: for example a tenant's data key after it was opened.
 * @throws PostriderError `key_invalid`
 */
export function sealingKey(id: string, material: Secret): SealingKey {
  if (material.length !== KEY_BYTES) {
    throw new PostriderError('key_invalid', `the key has ${material.length} bytes, not ${KEY_BYTES}`);
  }
  const bytes = material.revealBytes();
  if (bytes.every((byte) => byte === bytes[0])) {
    throw new PostriderError('key_invalid', 'the key is one byte repeated; make one at random');
  }
  return { id, key: createSecretKey(bytes) };
}

/** The material of a new data key: 32 random bytes. */
export function generateDataKey(random: RandomBytes): Secret {
  return new Secret(random(KEY_BYTES));
}

function decodeKey(text: string): Buffer | null {
  if (/^(?:[0-9a-fA-F]{2})+$/.test(text) && text.length === KEY_BYTES * 2) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return Buffer.from(text, 'base64');
  if (/^[A-Za-z0-9_-]+={0,2}$/.test(text)) return Buffer.from(text, 'base64url');
  return null;
}

function authenticatedData(context: SealContext, version: number): Buffer {
  const parts = [context.tenant, context.kind, context.id];
  if (parts.some((part) => part === '' || part.includes('|'))) {
    throw new PostriderError('internal', `a sealed secret's context is not clear: ${JSON.stringify(parts)}`);
  }
  return Buffer.from(`postrider|${parts.join('|')}|${version}`, 'utf8');
}
