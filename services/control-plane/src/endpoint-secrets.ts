import { credentialNames, headerCredential, sealCredential } from '@postrider/config-view';
import { clientCertificateEnd, isSecretHeader, limits, MASKED, Secret } from '@postrider/core';
import type { EndpointConfig, SealedSecret, TenantConfig } from '@postrider/contract/postrider/v1/config';
import type { Endpoint, EndpointAuth, EndpointTls } from '@postrider/contract/postrider/v1/endpoint';
import type { FieldViolation, RandomBytes } from '@postrider/core';
import type { DataKeys } from '@postrider/config-view';

/** A field of an endpoint that holds a secret. */
interface SecretField {
  /** What the secret is called in the record. */
  readonly name: string;
  /** Path in a request. */
  readonly field: string;
  /** As given; null: not given, so the stored one is meant. */
  readonly given: string | null;
  /** Where the secret leads, and for whom it speaks. With another one a stored secret must be given anew: who may change
   * the endpoint but does not know the secret could have it sent elsewhere. */
  readonly bound: string;
}

/** An endpoint without its secrets, and what becomes of these. */
export interface SplitEndpoint {
  /** As it is stored and shown. */
  readonly endpoint: Endpoint;
  /** Given secrets, by name. */
  readonly given: ReadonlyMap<string, Secret>;
  /** Names of the stored secrets that stay. */
  readonly kept: readonly string[];
  readonly violations: readonly FieldViolation[];
}

/**
 * Takes the secrets out of an endpoint as a client gave it. Reading an endpoint shows them empty, or masked in headers;
 * sent back so, they stay what they are.
 * @param before the endpoint as it stands, if it is to be changed
 */
export function splitSecrets(wanted: Endpoint, before?: EndpointConfig): SplitEndpoint {
  const stored = new Map(fieldsOf(before?.endpoint).map((one) => [one.name, one]));
  const given = new Map<string, Secret>();
  const kept: string[] = [];
  const violations: FieldViolation[] = [];
  for (const { name, field, given: value, bound } of fieldsOf(wanted)) {
    if (value !== null) given.set(name, new Secret(value));
    else if (before?.credentials[name] === undefined) violations.push({ field, description: 'must be set' });
    else if (stored.get(name)?.bound === bound) kept.push(name);
    else violations.push({ field, description: 'must be given again, because what it is used for has changed' });
  }
  return { endpoint: withoutSecrets(wanted), given, kept, violations };
}

/** Whether a client gives any secret, so that there will be something to seal. */
export function givesSecrets(wanted: Endpoint): boolean {
  return fieldsOf(wanted).some(({ given }) => given !== null);
}

/** The headers with masks in the length of what they stand for, so that the whole can be measured. */
export function unmasked({ headers }: Endpoint, before?: EndpointConfig): Readonly<Record<string, string>> {
  const measured = Object.entries(headers).map(([name, value]) => {
    const sealed = value === MASKED && isSecretHeader(name) ? before?.credentials[headerCredential(name)] : undefined;
    // AES-GCM adds a tag of 16 bytes and no padding.
    return [name, sealed === undefined ? value : 'x'.repeat(Math.max(0, sealed.ciphertext.length - 16))] as const;
  });
  return Object.fromEntries(measured);
}

/** The credentials of the record: what is given, sealed, and what stays. */
export function sealedCredentials(
  { endpoint, given, kept }: SplitEndpoint,
  tenant: TenantConfig,
  before: Readonly<Record<string, SealedSecret>>,
  { dataKeys, random }: { readonly dataKeys: Pick<DataKeys, 'of'>; readonly random: RandomBytes },
): Record<string, SealedSecret> {
  const credentials: Record<string, SealedSecret> = {};
  for (const name of kept) {
    const sealed = before[name];
    if (sealed !== undefined) credentials[name] = sealed;
  }
  if (given.size === 0) return credentials;
  const dataKey = dataKeys.of(tenant);
  const owner = { tenantId: tenant.tenant?.name.split('/')[1] ?? '', endpointUid: endpoint.uid };
  for (const [name, secret] of given) credentials[name] = sealCredential(secret, dataKey, owner, name, random);
  return credentials;
}

function fieldsOf(endpoint: Endpoint | undefined): SecretField[] {
  if (endpoint === undefined) return [];
  const origin = URL.parse(endpoint.url)?.origin ?? '';
  const { auth, tls, headers } = endpoint;
  const fields = authFields(auth, origin);
  if (tls !== undefined && (tls.clientCertificatePem !== '' || tls.clientKeyPem !== '')) {
    fields.push({
      name: credentialNames.tlsClientKey,
      field: 'endpoint.tls.client_key_pem',
      given: givenText(tls.clientKeyPem),
      // The key never leaves; it belongs to the certificate alone.
      bound: tls.clientCertificatePem.trim(),
    });
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!isSecretHeader(name)) continue;
    const field = `endpoint.headers[${JSON.stringify(name.slice(0, limits.customHeaderNameMax))}]`;
    fields.push({ name: headerCredential(name), field, given: value === MASKED ? null : value, bound: origin });
  }
  return fields;
}

function authFields(auth: EndpointAuth | undefined, origin: string): SecretField[] {
  switch (auth?.method?.$case) {
    case undefined:
      return [];
    case 'basic': {
      const { username, password } = auth.method.value;
      const field = 'endpoint.auth.basic.password';
      const bound = JSON.stringify([origin, username]);
      return [{ name: credentialNames.basicPassword, field, given: givenText(password), bound }];
    }
    case 'bearer': {
      const field = 'endpoint.auth.bearer.token';
      return [{ name: credentialNames.bearerToken, field, given: givenText(auth.method.value.token), bound: origin }];
    }
    case 'oauth2': {
      const { tokenUrl, clientId, clientSecret } = auth.method.value;
      const field = 'endpoint.auth.oauth2.client_secret';
      const bound = JSON.stringify([origin, tokenUrl, clientId]);
      return [{ name: credentialNames.oauth2ClientSecret, field, given: givenText(clientSecret), bound }];
    }
  }
}

function givenText(text: string): string | null {
  return text === '' ? null : text;
}

function withoutSecrets(endpoint: Endpoint): Endpoint {
  const { auth, tls, headers } = endpoint;
  const shown = Object.entries(headers).map(([name, value]) => [name, isSecretHeader(name) ? MASKED : value] as const);
  return {
    ...endpoint,
    auth: auth === undefined ? undefined : withoutAuthSecret(auth),
    tls: tls === undefined ? undefined : { ...tls, clientKeyPem: '', clientCertificateExpireTime: expireTimeOf(tls) },
    headers: Object.fromEntries(shown),
  };
}

function expireTimeOf({ clientCertificatePem }: EndpointTls): Date | undefined {
  const endsAt = clientCertificateEnd(clientCertificatePem);
  return endsAt === null ? undefined : new Date(endsAt);
}

function withoutAuthSecret(auth: EndpointAuth): EndpointAuth {
  switch (auth.method?.$case) {
    case undefined:
      return auth;
    case 'basic':
      return { ...auth, method: { $case: 'basic', value: { ...auth.method.value, password: '' } } };
    case 'bearer':
      return { ...auth, method: { $case: 'bearer', value: { ...auth.method.value, token: '' } } };
    case 'oauth2':
      return { ...auth, method: { $case: 'oauth2', value: { ...auth.method.value, clientSecret: '' } } };
  }
}
