import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointAuth } from '@postrider/contract/postrider/v1/endpoint';
import { basicAuthorization, bearerAuthorization, validateEndpointAuth } from './endpoint-auth.ts';
import { Secret } from './secret.ts';

type Method = NonNullable<EndpointAuth['method']>;
const fields = (method: Method | undefined): readonly string[] =>
  validateEndpointAuth({ method }, 'auth').map(({ field }) => field);
const basic = (username: string, password: string): Method => ({ $case: 'basic', value: { username, password } });
const bearer = (token: string): Method => ({ $case: 'bearer', value: { token } });
const oauth2 = (more: { clientId?: string; clientSecret?: string; scopes?: string[] }): Method => ({
  $case: 'oauth2',
  value: { tokenUrl: 'https://id.example.com/token', clientId: 'me', clientSecret: 's', scopes: [], ...more },
});

test('what can be sent as a header is accepted, secrets that are empty included', () => {
  assert.deepEqual(validateEndpointAuth(undefined, 'auth'), []);
  const good = [
    basic('user@example.com', 'p:ä ß'),
    basic('u', ''),
    bearer('abc.DEF-_~+/='),
    bearer(''),
    oauth2({ clientId: 'my client', clientSecret: 'a secret:with colon', scopes: ['a:b', 'https://x/y'] }),
    oauth2({ clientSecret: '' }),
  ];
  for (const method of good) assert.deepEqual(fields(method), [], JSON.stringify(method));
});

test('what cannot be sent, or would be read as something else, is refused by field', () => {
  const cases: readonly (readonly [method: Method | undefined, field: string])[] = [
    [undefined, 'auth'],
    [basic('', 'p'), 'auth.basic.username'],
    [basic('a:b', 'p'), 'auth.basic.username'],
    [basic('a\r\nb', 'p'), 'auth.basic.username'],
    [basic('x'.repeat(256), 'p'), 'auth.basic.username'],
    [basic('a', 'p\n'), 'auth.basic.password'],
    [basic('a', 'p'.repeat(4_097)), 'auth.basic.password'],
    [bearer('a b'), 'auth.bearer.token'],
    [bearer('a\r\nx: y'), 'auth.bearer.token'],
    [bearer('tökén'), 'auth.bearer.token'],
    [bearer('x'.repeat(4_097)), 'auth.bearer.token'],
    [oauth2({ clientId: '' }), 'auth.oauth2.client_id'],
    [oauth2({ clientId: 'a\n' }), 'auth.oauth2.client_id'],
    [oauth2({ clientSecret: 'ä' }), 'auth.oauth2.client_secret'],
    [oauth2({ scopes: ['a', 'b c'] }), 'auth.oauth2.scopes[1]'],
    [oauth2({ scopes: [''] }), 'auth.oauth2.scopes[0]'],
    [oauth2({ scopes: ['x'.repeat(1_025)] }), 'auth.oauth2.scopes'],
  ];
  for (const [method, field] of cases) assert.deepEqual(fields(method), [field], JSON.stringify(method));
});

test('no violation shows a secret', () => {
  const canary = 'c4nary value';
  const told = [basic('', `${canary}\n`), bearer(canary), oauth2({ clientId: '', clientSecret: `${canary}ä` })].map(
    (method) => validateEndpointAuth({ method }, 'auth'),
  );
  assert.ok(told.every(({ length }) => length > 0));
  assert.ok(!JSON.stringify(told).includes('c4nary'));
});

test('the headers are those of RFC 7617 and RFC 6750, and cannot be printed', () => {
  const header = basicAuthorization('Aladdin', new Secret('open sesame'));
  assert.equal(header.reveal(), 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
  assert.equal(basicAuthorization('test', new Secret('123£')).reveal(), 'Basic dGVzdDoxMjPCow==');
  assert.equal(bearerAuthorization(new Secret('mF_9.B5f')).reveal(), 'Bearer mF_9.B5f');
  assert.equal(String(header), '[secret]');
});
