import { openDataKey, sealSigningSecret } from '@postrider/config-view';
import { SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import {
  generateSigningSecret,
  isPostriderError,
  newUid,
  parseSigningSecret,
  schemeName,
  Secret,
} from '@postrider/core';
import type { EndpointSecret, TenantConfig } from '@postrider/contract/postrider/v1/config';
import type { Endpoint, SecretInfo } from '@postrider/contract/postrider/v1/endpoint';
import type { FieldViolation, RandomBytes, SealingKey } from '@postrider/core';

/** A new endpoint's secret: for the caller once, and sealed for the record. */
export interface NewSecret {
  readonly printed: Secret;
  readonly scheme: SignatureScheme;
  /** `whpk_…`; empty for a shared secret. */
  readonly publicKey: string;
}

/**
 * The secret that a new endpoint signs with: the imported one, or a generated one.
 * @returns the secret, or what is wrong with the imported one
 */
export function newSigningSecret(endpoint: Endpoint, random: RandomBytes): NewSecret | readonly FieldViolation[] {
  const wanted = endpoint.signing?.scheme ?? SignatureScheme.UNSPECIFIED;
  const scheme = wanted === SignatureScheme.UNSPECIFIED ? SignatureScheme.STANDARD_V1 : wanted;
  // A scheme that is not known here is reported by the endpoint's own validation.
  if (scheme === SignatureScheme.UNRECOGNIZED) return [];
  const printed =
    endpoint.signingSecret === ''
      ? generateSigningSecret(schemeName(scheme), random)
      : new Secret(endpoint.signingSecret);
  const field = 'endpoint.signing_secret';
  try {
    const key = parseSigningSecret(printed);
    if (key.scheme === schemeName(scheme)) return { printed, scheme, publicKey: key.publicKey ?? '' };
    const description = `is a secret for the scheme ${key.scheme}, and endpoint.signing asks for ${schemeName(scheme)}`;
    return [{ field, description }];
  } catch (error) {
    if (!isPostriderError(error, 'secret_invalid')) throw error;
    return [{ field, description: error.message }];
  }
}

/** Seals a new secret under its tenant's data key. */
export function sealForRecord(
  secret: NewSecret,
  tenant: TenantConfig,
  kek: SealingKey,
  now: Date,
  random: RandomBytes,
): EndpointSecret {
  const tenantId = tenant.tenant?.name.split('/')[1] ?? '';
  const id = newUid('sec', random);
  const sealed = sealSigningSecret(secret.printed, openDataKey(tenant, kek), tenantId, id, random);
  return { id, scheme: secret.scheme, sealed, createTime: now, expireTime: undefined };
}

/** What may be told of a secret. */
export function secretInfo({ id, scheme, createTime, expireTime }: EndpointSecret): SecretInfo {
  return { id, scheme, createTime, expireTime };
}
