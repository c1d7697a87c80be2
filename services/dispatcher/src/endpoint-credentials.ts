import { credentialNames, headerCredential, openCredential } from '@postrider/config-view';
import { TlsVersion } from '@postrider/contract/postrider/v1/endpoint';
import { basicAuthorization, bearerAuthorization, isSecretHeader, MASKED, Secret } from '@postrider/core';
import { tlsIdentity, type OAuthClient, type TlsIdentity } from '@postrider/egress';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import type { SealingKey } from '@postrider/core';
import type { Target } from './endpoint-cache.ts';

/** How requests to an endpoint show who we are, besides the signature. */
export interface Credentials {
  /** Headers whose values are secret, `authorization` among them. */
  readonly headers: readonly SecretHeader[];
  readonly oauth2?: OAuthClient;
  readonly tls?: TlsIdentity;
  /** What of this the endpoint reads, and must not stand in what is kept of its answers. */
  readonly shown: readonly Secret[];
  /** Why the token URL may not be asked; null: it may, or there is none. */
  readonly tokenUrlDenied: string | null;
}

interface SecretHeader {
  readonly name: string;
  readonly value: Secret;
}

const none: Credentials = Object.freeze({ headers: [], shown: [], tokenUrlDenied: null });

/** Whether this header of the endpoint stands for a sealed value. */
export function isSealedHeader(name: string, value: string): boolean {
  return value === MASKED && isSecretHeader(name);
}

/**
 * Opens the credentials of an endpoint when they are first asked for; what they are made into is the same until the
 * endpoint's configuration changes.
 * @param dataKey the tenant's
 * @returns a function that throws PostriderError `secret_unreadable`
 */
export function createCredentials(
  config: EndpointConfig,
  dataKey: () => SealingKey,
  judgeUrl: (url: string) => Target,
): () => Credentials {
  const { endpoint } = config;
  if (endpoint === undefined) return () => none;
  let opened: Credentials | null = null;
  return () => {
    if (opened !== null) return opened;
    const secret = (name: string): Secret => openCredential(config, dataKey(), name);
    const auth = authOf(endpoint, secret, judgeUrl);
    const sealed = Object.entries(endpoint.headers).filter(([name, value]) => isSealedHeader(name, value));
    const headers = sealed.map(([name]) => ({ name, value: secret(headerCredential(name)) }));
    const all = [...(auth.headers ?? []), ...headers];
    const shown = [...(auth.shown ?? []), ...all.map(({ value }) => withoutScheme(value))];
    opened = { ...none, ...auth, ...tlsOf(endpoint, secret), headers: all, shown };
    return opened;
  };
}

/** `Bearer …` and its like come back with the scheme, without it, or with another. */
function withoutScheme(value: Secret): Secret {
  return new Secret(value.reveal().replace(/^[A-Za-z]+ +/, ''));
}

type OpenSecret = (name: string) => Secret;

function authOf({ auth }: Endpoint, secret: OpenSecret, judgeUrl: (url: string) => Target): Partial<Credentials> {
  const authorization = (value: Secret): Partial<Credentials> => ({ headers: [{ name: 'authorization', value }] });
  switch (auth?.method?.$case) {
    case undefined:
      return {};
    case 'basic': {
      const password = secret(credentialNames.basicPassword);
      return { ...authorization(basicAuthorization(auth.method.value.username, password)), shown: [password] };
    }
    case 'bearer':
      return authorization(bearerAuthorization(secret(credentialNames.bearerToken)));
    case 'oauth2': {
      const { tokenUrl, clientId, scopes } = auth.method.value;
      const target = judgeUrl(tokenUrl);
      if (target.kind === 'deny') return { tokenUrlDenied: target.detail };
      const { origin, path } = target;
      return { oauth2: { origin, path, clientId, clientSecret: secret(credentialNames.oauth2ClientSecret), scopes } };
    }
  }
}

function tlsOf({ tls }: Endpoint, secret: OpenSecret): Partial<Credentials> {
  if (tls === undefined) return {};
  const { caPem, clientCertificatePem: certificate, minVersion } = tls;
  const client = certificate === '' ? {} : { client: { certificate, key: secret(credentialNames.tlsClientKey) } };
  return {
    tls: tlsIdentity({
      ...(caPem === '' ? {} : { ca: caPem }),
      ...client,
      minVersion: minVersion === TlsVersion.TLS_VERSION_1_3 ? 'TLSv1.3' : 'TLSv1.2',
    }),
  };
}
