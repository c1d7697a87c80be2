import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  sign as signEd25519,
  timingSafeEqual,
  verify as verifyEd25519,
  type KeyObject,
} from 'node:crypto';
import { SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import { PostriderError } from './errors.ts';
import type { RandomBytes } from './ids.ts';
import { limits } from './limits.ts';
import { Secret } from './secret.ts';

/** Standard Webhooks' names of the two schemes: HMAC-SHA256 with a shared secret, and ed25519. */
export type SchemeName = 'v1' | 'v1a';

/** What can check a signature. Prints without key material. */
export interface VerifyingKey {
  readonly scheme: SchemeName;
  /** Whether `signature` (bytes) is that of `head` + `body`. Constant in time. */
  readonly verify: (head: string, body: Uint8Array, signature: Uint8Array) => boolean;
}

/** What can make a signature too. Parsed once per secret; signing is on the hot path. */
export interface SigningKey extends VerifyingKey {
  /** The signature of `head` + `body` as it stands in the header: `v1,<base64>` or `v1a,<base64>`. */
  readonly sign: (head: string, body: Uint8Array) => string;
  /** `whpk_…`; null for a shared secret, which has no public part. */
  readonly publicKey: string | null;
}

const SEED_BYTES = 32;
// The fixed DER around a raw ed25519 key (RFC 8410).
const privateDerHead = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicDerHead = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Reads a signing secret in its printed form (https://www.standardwebhooks.com): `whsec_` + base64 of 24–64 bytes, or
 * `whsk_` + base64 of an ed25519 seed (32 bytes) or seed and public key (64 bytes).
 * @throws PostriderError `secret_invalid`, which says what is wrong and never shows the secret
 */
export function parseSigningSecret(secret: Secret): SigningKey {
  const text = secret.reveal();
  if (text.startsWith('whsec_')) return sharedKey(decode(text.slice('whsec_'.length)));
  if (text.startsWith('whsk_')) return privateKey(decode(text.slice('whsk_'.length)));
  if (text.startsWith('whpk_')) throw invalid('a public key (whpk_…) cannot sign; give the whsk_… secret');
  throw invalid('it must begin with whsec_ or whsk_');
}

/**
 * Reads what a receiver verifies with: the shared secret `whsec_…` or the public key `whpk_…`.
 * @throws PostriderError `secret_invalid`
 */
export function parseVerifyingKey(secret: Secret): VerifyingKey {
  const text = secret.reveal();
  if (!text.startsWith('whpk_')) return parseSigningSecret(secret);
  const raw = decode(text.slice('whpk_'.length));
  if (raw.length !== SEED_BYTES) throw invalid(`a public key has ${SEED_BYTES} bytes, not ${raw.length}`);
  return asymmetricVerifier(createPublicKey({ key: Buffer.concat([publicDerHead, raw]), format: 'der', type: 'spki' }));
}

/** A new signing secret in its printed form: 32 random bytes, or an ed25519 seed followed by its public key. */
export function generateSigningSecret(scheme: SchemeName, random: RandomBytes): Secret {
  const seed = random(SEED_BYTES);
  if (scheme === 'v1') return new Secret(`whsec_${seed.toString('base64')}`);
  const printed = Buffer.concat([seed, rawPublic(ed25519(seed))]);
  return new Secret(`whsk_${printed.toString('base64')}`);
}

/** The public key of a `v1a` secret, `whpk_…`; null for `v1`. */
export function publicKeyOf(key: SigningKey): string | null {
  return key.publicKey;
}

/**
 * Standard Webhooks' name of a scheme.
 * @throws PostriderError `unsupported` for a scheme that this version does not know; it is never taken for the default
 */
export function schemeName(scheme: SignatureScheme): SchemeName {
  switch (scheme) {
    case SignatureScheme.UNSPECIFIED:
    case SignatureScheme.STANDARD_V1:
      return 'v1';
    case SignatureScheme.STANDARD_V1A:
      return 'v1a';
    case SignatureScheme.UNRECOGNIZED:
      throw new PostriderError('unsupported', 'the signature scheme is not known to this version');
  }
}

function sharedKey(raw: Buffer): SigningKey {
  const { signingSecretBytesMin: min, signingSecretBytesMax: max } = limits;
  if (raw.length < min || raw.length > max) {
    throw invalid(`a whsec_ secret has ${min}–${max} bytes before base64, not ${raw.length}`);
  }
  refuseRepeated(raw);
  const key = createSecretKey(raw);
  const mac = (head: string, body: Uint8Array) => createHmac('sha256', key).update(head, 'utf8').update(body);
  return {
    scheme: 'v1',
    publicKey: null,
    sign: (head, body) => `v1,${mac(head, body).digest('base64')}`,
    verify(head, body, signature) {
      const expected = mac(head, body).digest();
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
}

function privateKey(raw: Buffer): SigningKey {
  if (raw.length !== SEED_BYTES && raw.length !== 2 * SEED_BYTES) {
    throw invalid(`a whsk_ secret has ${SEED_BYTES} or ${2 * SEED_BYTES} bytes before base64, not ${raw.length}`);
  }
  const seed = raw.subarray(0, SEED_BYTES);
  refuseRepeated(seed);
  const key = ed25519(seed);
  const publicRaw = rawPublic(key);
  if (raw.length > SEED_BYTES && !timingSafeEqual(raw.subarray(SEED_BYTES), publicRaw)) {
    throw invalid('the public half of the whsk_ secret does not belong to its private half');
  }
  return {
    ...asymmetricVerifier(createPublicKey(key)),
    publicKey: `whpk_${publicRaw.toString('base64')}`,
    sign: (head, body) =>
      `v1a,${signEd25519(null, Buffer.concat([Buffer.from(head, 'utf8'), body]), key).toString('base64')}`,
  };
}

function asymmetricVerifier(key: KeyObject): VerifyingKey {
  return {
    scheme: 'v1a',
    verify: (head, body, signature) =>
      signature.length === 64 && verifyEd25519(null, Buffer.concat([Buffer.from(head, 'utf8'), body]), key, signature),
  };
}

function ed25519(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([privateDerHead, seed]), format: 'der', type: 'pkcs8' });
}

function rawPublic(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(publicDerHead.length);
}

function decode(text: string): Buffer {
  const raw = Buffer.from(text, 'base64');
  // Node drops what is not base64; only the one canonical spelling is taken, so that every verifier reads the same key.
  if (text === '' || raw.toString('base64') !== text) {
    throw invalid('what follows the prefix must be padded standard base64 (A–Z a–z 0–9 + / =), without white space');
  }
  return raw;
}

function refuseRepeated(raw: Buffer): void {
  if (raw.every((byte) => byte === raw[0])) throw invalid('it is one byte repeated; make one at random');
}

function invalid(why: string): PostriderError {
  return new PostriderError('secret_invalid', `the signing secret is not usable: ${why}`);
}
