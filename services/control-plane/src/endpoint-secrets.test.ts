import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { openCredential, openDataKey } from '@postrider/config-view';
import { Endpoint, EndpointTls } from '@postrider/contract/postrider/v1/endpoint';
import { createTestAuthority, type TestAuthority, type TestCertificate } from '../../../test/support/certificates.ts';
import { CONFIG_TOPIC, failure, startTestPlane, testKek } from '../testing/harness.ts';
import type { EndpointAuth } from '@postrider/contract/postrider/v1/endpoint';
import type { Running } from '../testing/harness.ts';

let run: Running;
let authority: TestAuthority;
let client: TestCertificate;
before(async () => {
  authority = await createTestAuthority();
  client = await authority.issue('postrider');
  run = await startTestPlane();
  await run.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
});
after(async () => {
  await run.stop();
  await authority[Symbol.asyncDispose]();
});

const url = 'https://hooks.acme.dev/in';
type Fields = Partial<Endpoint>;
const create = (fields: Fields, requestId = ''): Promise<Endpoint> => {
  const endpoint = { ...Endpoint.fromPartial({ url }), ...fields };
  return run.endpoints.createEndpoint({ parent: 'tenants/acme', endpointId: '', endpoint, requestId });
};
const update = (name: string, fields: Fields, updateMask?: string[]): Promise<Endpoint> =>
  run.endpoints.updateEndpoint({ endpoint: { ...Endpoint.fromPartial({ name }), ...fields }, updateMask });
const basic = (username: string, password: string): EndpointAuth => ({
  method: { $case: 'basic', value: { username, password } },
});
const bearer = (token: string): EndpointAuth => ({ method: { $case: 'bearer', value: { token } } });
const oauth2 = (clientSecret: string, more: { tokenUrl?: string; clientId?: string } = {}): EndpointAuth => {
  const value = { tokenUrl: 'https://id.acme.dev/token', clientId: 'me', clientSecret, scopes: ['a'], ...more };
  return { method: { $case: 'oauth2', value } };
};
const tlsOf = ({ cert, key }: TestCertificate): EndpointTls =>
  EndpointTls.fromPartial({ clientCertificatePem: cert, clientKeyPem: key });

/** What a dispatcher would open. */
function stored(uid: string): Record<string, string> {
  const snapshot = run.plane.view.snapshot();
  const config = snapshot.endpoint(uid) ?? assert.fail();
  const dataKey = openDataKey(snapshot.tenant('acme') ?? assert.fail(), testKek);
  const names = Object.keys(config.credentials);
  return Object.fromEntries(names.map((name) => [name, openCredential(config, dataKey, name).reveal()]));
}

test('credentials stand sealed in the records, and in no answer, error or log line', async () => {
  const canary = 'c4nary';
  const headers = { 'X-Api-Key': `${canary}-header`, 'x-plain': 'shown' };
  const tls = { ...tlsOf(client), caPem: authority.ca };
  const answers: unknown[] = [];
  for (const [index, auth] of [basic('u', `${canary}-p`), bearer(`${canary}-t`), oauth2(`${canary}-s`)].entries()) {
    const made = await create({ auth, headers, tls }, `r${index}`);
    const { name } = made;
    answers.push(made, await create({ auth, headers, tls }, `r${index}`));
    answers.push(await run.endpoints.getEndpoint({ name }), await update(name, { displayName: 'x' }));
    answers.push(await update(name, { auth, headers, tls }, ['auth', 'headers', 'tls']));
    answers.push(await failure(update(name, { auth, headers, tls, url: 'http://x' })));
    answers.push(await failure(create({ auth, headers: { ...headers, Authorization: canary }, tls })));
  }
  answers.push(
    await run.endpoints.listEndpoints({ parent: 'tenants/acme', pageSize: 0, pageToken: '', filter: '', orderBy: '' }),
  );
  const records = run.kafka.records(CONFIG_TOPIC).flatMap(({ value }) => (value === null ? [] : [value]));
  const told = inspect({ answers, log: run.log.lines }, { depth: 12, maxArrayLength: null, maxStringLength: null });
  const keyLine = client.key.split('\n')[1] ?? assert.fail();
  for (const secret of [canary, keyLine]) {
    assert.ok(!Buffer.concat(records).includes(secret), 'in a record');
    assert.ok(!told.includes(secret), 'in an answer or the log');
  }
  const last = answers.at(-1) as { endpoints: Endpoint[] };
  for (const endpoint of last.endpoints) {
    assert.deepEqual(endpoint.headers, { 'X-Api-Key': '[secret]', 'x-plain': 'shown' });
    assert.equal(endpoint.tls?.clientCertificatePem, client.cert);
    const { validToDate } = new X509Certificate(client.cert);
    assert.equal(endpoint.tls.clientCertificateExpireTime?.getTime(), validToDate.getTime());
  }
});

test('what is stored opens to what was given, under the endpoint it was given for', async () => {
  const headers = { 'X-Api-Key': 'k', 'X-|-Token': 't' };
  const { uid } = await create({ auth: basic('u', 'p'), tls: tlsOf(client), headers });
  assert.deepEqual(stored(uid), {
    'auth.basic.password': 'p',
    'tls.client_key_pem': client.key,
    'headers.x-api-key': 'k',
    'headers.x-|-token': 't',
  });
});

test('an endpoint that was read can be sent back: its secrets stay; what is not asked for any more is forgotten', async () => {
  const { name, uid } = await create({ auth: oauth2('s'), tls: tlsOf(client), headers: { 'x-api-key': 'k' } });
  const before = stored(uid);
  const read = await run.endpoints.getEndpoint({ name });
  const claimed = { ...(read.tls ?? assert.fail()), clientCertificateExpireTime: new Date(0) };
  const again = await update(name, { ...read, tls: claimed, displayName: 'renamed' }, ['*']);
  assert.deepEqual(again.tls, read.tls, 'when it ends is not for the client to say');
  assert.equal(again.displayName, 'renamed');
  assert.deepEqual(stored(uid), before);
  const records = run.kafka.records(CONFIG_TOPIC).length;
  await update(name, { ...again }, ['*']);
  assert.equal(run.kafka.records(CONFIG_TOPIC).length, records, 'nothing was changed');
  await update(name, { auth: oauth2('s2') }, ['auth']);
  assert.equal(stored(uid)['auth.oauth2.client_secret'], 's2');
  await update(name, { auth: bearer('t'), headers: { 'x-api-key': '[secret]', 'x-token': 'n' } }, ['auth', 'headers']);
  assert.deepEqual(stored(uid), {
    'auth.bearer.token': 't',
    'tls.client_key_pem': client.key,
    'headers.x-api-key': 'k',
    'headers.x-token': 'n',
  });
  await update(name, {}, ['auth', 'headers', 'tls']);
  assert.deepEqual(stored(uid), {});
});

test('a secret that was never given is asked for, by field', async () => {
  const cases: readonly (readonly [field: string, fields: Fields])[] = [
    ['endpoint.auth.basic.password', { auth: basic('u', '') }],
    ['endpoint.auth.bearer.token', { auth: bearer('') }],
    ['endpoint.auth.oauth2.client_secret', { auth: oauth2('') }],
    ['endpoint.tls.client_key_pem', { tls: { ...tlsOf(client), clientKeyPem: '' } }],
    ['endpoint.headers["x-api-key"]', { headers: { 'x-api-key': '[secret]' } }],
  ];
  for (const [field, fields] of cases) {
    const { fields: refused, violations } = await failure(create(fields));
    assert.deepEqual(refused, [field]);
    assert.deepEqual(violations, [`${field}: must be set`]);
  }
});

test('who does not know a secret cannot have it sent elsewhere', async () => {
  const headers = { 'x-api-key': 'k' };
  const { name: withOauth } = await create({ auth: oauth2('s'), headers });
  const moved = await failure(update(withOauth, { url: 'https://hooks.evil.dev/' }, ['url']));
  assert.deepEqual(moved.fields, ['endpoint.auth.oauth2.client_secret', 'endpoint.headers["x-api-key"]']);
  assert.ok(moved.violations.every((one) => one.includes('must be given again')));
  for (const auth of [oauth2('', { tokenUrl: 'https://id.evil.dev/token' }), oauth2('', { clientId: 'other' })]) {
    assert.deepEqual((await failure(update(withOauth, { auth }, ['auth']))).fields, [
      'endpoint.auth.oauth2.client_secret',
    ]);
  }
  await update(withOauth, { url: 'https://hooks.acme.dev/other/path' }, ['url']);
  await update(withOauth, { url: 'https://hooks.new.dev/', auth: oauth2('s'), headers }, ['url', 'auth', 'headers']);
  const { name: withBasic } = await create({ auth: basic('u', 'p') });
  assert.deepEqual((await failure(update(withBasic, { auth: basic('v', '') }, ['auth']))).fields, [
    'endpoint.auth.basic.password',
  ]);
});

test('certificates are judged when they are given: in force, belonging together, strong enough, over https', async () => {
  const [past, other] = await Promise.all([authority.issue('past', { days: -1 }), authority.issue('other')]);
  const weak = await authority.issue('weak', { rsaBits: 1_024 });
  const cases: readonly (readonly [field: string, tls: EndpointTls])[] = [
    ['endpoint.tls.client_certificate_pem', tlsOf(past)],
    ['endpoint.tls.client_key_pem', tlsOf({ cert: client.cert, key: other.key })],
    ['endpoint.tls.ca_pem', EndpointTls.fromPartial({ caPem: 'x' })],
    ['endpoint.tls', tlsOf(weak)],
    ['endpoint.tls.min_version', EndpointTls.fromPartial({ minVersion: 'UNRECOGNIZED' })],
  ];
  for (const [field, tls] of cases) assert.deepEqual((await failure(create({ tls }))).fields, [field]);
  const { name, uid } = await create({ tls: tlsOf(client) });
  const renewed = await failure(update(name, { tls: { ...tlsOf(other), clientKeyPem: '' } }, ['tls']));
  assert.deepEqual(renewed.fields, ['endpoint.tls.client_key_pem']);
  await update(name, { tls: tlsOf(other) }, ['tls.client_certificate_pem', 'tls.client_key_pem']);
  assert.equal(stored(uid)['tls.client_key_pem'], other.key);
  await using plain = await startTestPlane({ allowHttp: true });
  await plain.tenants.createTenant({ tenantId: 'acme', tenant: undefined, requestId: '' });
  const endpoint = { ...Endpoint.fromPartial({ url: 'http://hooks.acme.dev/' }), tls: tlsOf(client) };
  const overHttp = plain.endpoints.createEndpoint({ parent: 'tenants/acme', endpointId: '', endpoint, requestId: '' });
  assert.deepEqual((await failure(overHttp)).fields, ['endpoint.tls']);
});

test('the token URL is held to the rules of every URL, and two ways to authorize are refused', async () => {
  for (const tokenUrl of ['http://id.acme.dev/', 'https://169.254.169.254/token', '']) {
    const { fields } = await failure(create({ auth: oauth2('s', { tokenUrl }) }));
    assert.deepEqual(fields, ['endpoint.auth.oauth2.token_url']);
  }
  const { fields } = await failure(create({ auth: bearer('t'), headers: { AUTHORIZATION: 'x' } }));
  assert.deepEqual(fields, ['endpoint.headers["AUTHORIZATION"]']);
});

test('headers are measured with the secrets that are masked', async () => {
  const big = 'x'.repeat(4_000);
  const { name } = await create({ headers: { 'x-api-key': big, 'x-token': big } });
  const masked = { 'x-api-key': '[secret]', 'x-token': '[secret]' };
  await update(name, { headers: { ...masked, 'x-a': 'y' } }, ['headers']);
  const { fields } = await failure(update(name, { headers: { ...masked, 'x-a': 'y'.repeat(200) } }, ['headers']));
  assert.deepEqual(fields, ['endpoint.headers']);
});
