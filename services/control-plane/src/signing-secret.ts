import { hash } from 'node:crypto';
import { sealSigningSecret } from '@postrider/config-view';
import { SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import {
  generateSigningSecret,
  isPostriderError,
  newUid,
  parseSigningSecret,
  schemeName,
  Secret,
} from '@postrider/core';
import type { EndpointSecret } from '@postrider/contract/postrider/v1/config';
import type { SecretInfo } from '@postrider/contract/postrider/v1/endpoint';
import type { FieldViolation, RandomBytes, SealingKey } from '@postrider/core';

/** A new secret of an endpoint: for the caller once, and sealed for the record. */
export interface NewSecret {
  readonly printed: Secret;
  readonly scheme: SignatureScheme;
  /** `whpk_…`; empty for a shared secret. */
  readonly publicKey: string;
  readonly imported: boolean;
}

/** What is asked for. */
export interface WantedSecret {
  /** To be imported; empty: one is generated. */
  readonly given: string;
  /** The field that it was given in. */
  readonly field: string;
  readonly scheme: SignatureScheme;
  /** The field that the scheme was given in. */
  readonly schemeField: string;
}

/**
 * The secret that an endpoint is to sign with: the imported one, or a generated one.
 * @returns the secret, or what is wrong with the imported one
 */
export function newSigningSecret(wanted: WantedSecret, random: RandomBytes): NewSecret | readonly FieldViolation[] {
  const scheme = wanted.scheme === SignatureScheme.UNSPECIFIED ? SignatureScheme.STANDARD_V1 : wanted.scheme;
  // A scheme that is not known here is reported by who read it.
  if (scheme === SignatureScheme.UNRECOGNIZED) return [];
  const { given, field, schemeField } = wanted;
  const imported = given !== '';
  const printed = imported ? new Secret(given) : generateSigningSecret(schemeName(scheme), random);
  // It has no public part, and is what it should be.
  if (!imported && scheme === SignatureScheme.STANDARD_V1) return { printed, scheme, publicKey: '', imported };
  try {
    const key = parseSigningSecret(printed);
    if (key.scheme === schemeName(scheme)) return { printed, scheme, publicKey: key.publicKey ?? '', imported };
    const description = `is a secret for the scheme ${key.scheme}, and ${schemeField} asks for ${schemeName(scheme)}`;
    return [{ field, description }];
  } catch (error) {
    if (!isPostriderError(error, 'secret_invalid')) throw error;
    return [{ field, description: error.message }];
  }
}

export function isNewSecret(made: ReturnType<typeof newSigningSecret>): made is NewSecret {
  return 'printed' in made;
}

/** Seals a new secret under its tenant's data key. */
export function sealForRecord(
  { printed, scheme, publicKey, imported }: NewSecret,
  tenantId: string,
  dataKey: SealingKey,
  now: Date,
  random: RandomBytes,
  createRequestId = '',
): EndpointSecret {
  const id = newUid('sec', random);
  return {
    ...{ id, scheme, publicKey, imported, createRequestId },
    sealed: sealSigningSecret(printed, dataKey, tenantId, id, random),
    createTime: now,
    expireTime: undefined,
    fingerprintEnd: hash('sha256', printed.revealBytes(), 'hex').slice(-4),
  };
}

/** What may be told of a secret. */
export function secretInfo({ id, scheme, createTime, expireTime }: EndpointSecret): SecretInfo {
  return { id, scheme, createTime, expireTime };
}
