import { open, PostriderError, seal } from '@postrider/core';
import type { EndpointConfig, SealedSecret } from '@postrider/contract/postrider/v1/config';
import type { RandomBytes, SealContext, SealingKey, Secret } from '@postrider/core';

/** The credentials that an endpoint may have, by what they are called in its record. Headers: see `headerCredential`. */
export const credentialNames = Object.freeze({
  basicPassword: 'auth.basic.password',
  bearerToken: 'auth.bearer.token',
  oauth2ClientSecret: 'auth.oauth2.client_secret',
  tlsClientKey: 'tls.client_key_pem',
});

/** What the value of a secret header is called; names of headers are blind to case. */
export function headerCredential(headerName: string): string {
  return `headers.${headerName.toLowerCase()}`;
}

/** What a credential is sealed for: the tenant, the endpoint and its own name. */
function credentialContext(tenantId: string, endpointUid: string, name: string): SealContext {
  // A header's name may hold what separates the parts of a context.
  return { tenant: tenantId, kind: 'credential', id: `${endpointUid}/${encodeURIComponent(name)}` };
}

/** Seals a credential of an endpoint under its tenant's data key. */
export function sealCredential(
  secret: Secret,
  dataKey: SealingKey,
  owner: { readonly tenantId: string; readonly endpointUid: string },
  name: string,
  random: RandomBytes,
): SealedSecret {
  return seal(secret, dataKey, credentialContext(owner.tenantId, owner.endpointUid, name), random);
}

/**
 * Opens a credential of an endpoint.
 * @throws PostriderError `secret_unreadable` when there is none of this name, or it does not open under this data key
 */
export function openCredential({ endpoint, credentials }: EndpointConfig, dataKey: SealingKey, name: string): Secret {
  const sealed = Object.hasOwn(credentials, name) ? credentials[name] : undefined;
  const uid = endpoint?.uid ?? '';
  if (sealed === undefined) throw new PostriderError('secret_unreadable', `endpoint ${uid} holds no ${name}`);
  return open(sealed, dataKey, credentialContext(endpoint?.name.split('/')[1] ?? '', uid, name));
}
