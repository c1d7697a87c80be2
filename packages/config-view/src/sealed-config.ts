import { createHmac } from 'node:crypto';
import { open, PostriderError, seal, sealingKey } from '@postrider/core';
import type { EndpointConfig, SealedSecret, TenantConfig } from '@postrider/contract/postrider/v1/config';
import type { SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import type { RandomBytes, SealContext, SealingKey, Secret } from '@postrider/core';

/** A signing secret that may sign now. */
export interface ActiveSecret {
  readonly id: string;
  readonly scheme: SignatureScheme;
  /** In its printed form, `whsec_…` or `whsk_…`. */
  readonly secret: Secret;
}

/** What a tenant's data key is sealed for: the tenant alone. */
function dataKeyContext(tenantId: string): SealContext {
  return { tenant: tenantId, kind: 'data-key', id: tenantId };
}

/** What a signing secret is sealed for: the tenant and the secret's own id. */
function signingContext(tenantId: string, secretId: string): SealContext {
  return { tenant: tenantId, kind: 'signing-secret', id: secretId };
}

/**
 * The key that a tenant's secrets are sealed under, of its 32 bytes. Its id follows from the bytes: wrapping the same key
 * anew keeps it, another key has another.
 */
export function dataKeyOf(material: Secret): SealingKey {
  const mac = createHmac('sha256', material.revealBytes()).update('postrider key id').digest('hex');
  return sealingKey(`dek_${mac.slice(0, 16)}`, material);
}

/** Seals a tenant's data key under the key-encryption key. */
export function sealDataKey(material: Secret, kek: SealingKey, tenantId: string, random: RandomBytes): SealedSecret {
  return seal(material, kek, dataKeyContext(tenantId), random);
}

/**
 * Opens a tenant's data key.
 * @throws PostriderError `secret_unreadable` when there is none, or it does not open under this key-encryption key
 */
export function openDataKey({ tenant, dataKey }: TenantConfig, kek: SealingKey): SealingKey {
  const tenantId = tenant?.name.split('/')[1] ?? '';
  if (dataKey === undefined) throw new PostriderError('secret_unreadable', `tenant ${tenantId} has no data key`);
  return dataKeyOf(open(dataKey, kek, dataKeyContext(tenantId)));
}

/** Seals a signing secret, in its printed form, under its tenant's data key. */
export function sealSigningSecret(
  secret: Secret,
  dataKey: SealingKey,
  tenantId: string,
  secretId: string,
  random: RandomBytes,
): SealedSecret {
  return seal(secret, dataKey, signingContext(tenantId, secretId), random);
}

/**
 * The signing secrets of an endpoint that have not expired at `nowMs` (Unix epoch), the oldest first.
 * @throws PostriderError `secret_unreadable` when one does not open under this data key
 */
export function openSigningSecrets(config: EndpointConfig, dataKey: SealingKey, nowMs: number): ActiveSecret[] {
  const tenantId = config.endpoint?.name.split('/')[1] ?? '';
  return config.secrets
    .filter(({ expireTime }) => expireTime === undefined || expireTime.getTime() > nowMs)
    .map(({ id, scheme, sealed }) => {
      if (sealed === undefined) throw new PostriderError('secret_unreadable', `signing secret ${id} holds nothing`);
      return { id, scheme, secret: open(sealed, dataKey, signingContext(tenantId, id)) };
    });
}
