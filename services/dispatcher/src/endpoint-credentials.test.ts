import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { credentialNames, dataKeyOf, headerCredential, sealCredential } from '@postrider/config-view';
import { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { isPostriderError, Secret } from '@postrider/core';
import { createCredentials } from './endpoint-credentials.ts';
import type { Target } from './endpoint-cache.ts';

const material = new Secret(randomBytes(32));
const allow = (url: string): Target => ({
  kind: 'allow',
  origin: new URL(url).origin,
  host: new URL(url).hostname,
  path: new URL(url).pathname,
});

function credentialsOf(
  fields: Parameters<typeof Endpoint.fromPartial>[0],
  secrets: Readonly<Record<string, string>>,
  judge: (url: string) => Target = allow,
) {
  const owner = { tenantId: 'acme', endpointUid: 'ep_1' };
  const sealed = Object.entries(secrets).map(([name, text]) => {
    return [name, sealCredential(new Secret(text), dataKeyOf(material), owner, name, randomBytes)] as const;
  });
  const endpoint = Endpoint.fromPartial({ name: 'tenants/acme/endpoints/x', uid: 'ep_1', ...fields });
  const config = EndpointConfig.fromPartial({ endpoint, credentials: Object.fromEntries(sealed) });
  return createCredentials(config, () => dataKeyOf(material), judge);
}
const shown = (credentials: ReturnType<typeof credentialsOf>) =>
  credentials().headers.map(({ name, value }) => `${name}: ${value.reveal()}`);

test('sealed headers and each method become what the request is sent with', () => {
  const headers = { 'X-Api-Key': '[secret]', 'x-open': '[secret]' };
  const key = { [headerCredential('x-api-key')]: 'k' };
  const basic = { method: { $case: 'basic' as const, value: { username: 'u' } } };
  assert.deepEqual(shown(credentialsOf({ headers, auth: basic }, { ...key, [credentialNames.basicPassword]: 'p' })), [
    'authorization: Basic dTpw',
    'X-Api-Key: k',
  ]);
  const bearer = { method: { $case: 'bearer' as const, value: {} } };
  assert.deepEqual(shown(credentialsOf({ auth: bearer }, { [credentialNames.bearerToken]: 't' })), [
    'authorization: Bearer t',
  ]);
  assert.deepEqual(credentialsOf({}, {})(), { headers: [], shown: [], tokenUrlDenied: null });
});

test('what the endpoint reads of it is known by itself: the password, and each value without its scheme', () => {
  const forms = (...args: Parameters<typeof credentialsOf>) =>
    credentialsOf(...args)().shown.map((one) => one.reveal());
  const headers = { 'x-api-key': '[secret]' };
  const basic = { method: { $case: 'basic' as const, value: { username: 'u' } } };
  const key = { [headerCredential('x-api-key')]: 'Token a b' };
  const sealed = { ...key, [credentialNames.basicPassword]: 'p' };
  assert.deepEqual(forms({ headers, auth: basic }, sealed), ['p', 'dTpw', 'a b']);
});

test('the OAuth client is the same object every time, and is not made when its URL leads where none may', () => {
  const value = { tokenUrl: 'https://id.example.com/token', clientId: 'me', scopes: ['a'] };
  const auth = { method: { $case: 'oauth2' as const, value } };
  const secret = { [credentialNames.oauth2ClientSecret]: 's' };
  const open = credentialsOf({ auth }, secret);
  const { oauth2 } = open();
  assert.equal(open().oauth2, oauth2);
  assert.deepEqual(
    [oauth2?.origin, oauth2?.path, oauth2?.clientSecret.reveal()],
    ['https://id.example.com', '/token', 's'],
  );
  const denied = credentialsOf({ auth }, secret, () => ({ kind: 'deny', detail: 'is not allowed' }))();
  assert.deepEqual([denied.oauth2, denied.tokenUrlDenied], [undefined, 'is not allowed']);
});

test('another authority, certificate or oldest version is another identity; the same is the same', () => {
  const id = (tls: Parameters<typeof Endpoint.fromPartial>[0]['tls']) =>
    credentialsOf({ tls }, { [credentialNames.tlsClientKey]: 'k' })().tls?.id;
  const settings = [
    { caPem: 'a' },
    { caPem: 'b' },
    { clientCertificatePem: 'a' },
    { clientCertificatePem: 'b' },
    { minVersion: 'TLS_VERSION_1_3' as const },
  ];
  const ids = settings.map(id);
  assert.equal(new Set(ids).size, settings.length);
  assert.deepEqual(settings.map(id), ids);
  assert.equal(id({ minVersion: 'TLS_VERSION_1_2' }), id({}));
  assert.equal(id(undefined), undefined);
});

test('a credential that is missing or does not open fails every time, and nothing of the others is shown or half used', () => {
  const auth = { method: { $case: 'bearer' as const, value: {} } };
  const open = credentialsOf(
    { auth, headers: { 'x-api-key': '[secret]' } },
    { [credentialNames.bearerToken]: 'c4nary' },
  );
  for (let time = 0; time < 2; time++) {
    assert.throws(open, (error) => isPostriderError(error, 'secret_unreadable') && !inspect(error).includes('c4nary'));
  }
  const good = credentialsOf({ auth }, { [credentialNames.bearerToken]: 'c4nary' })();
  assert.ok(!inspect(good, { depth: 9 }).includes('c4nary') && !JSON.stringify(good).includes('c4nary'));
});
