import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EndpointTls } from '@postrider/contract/postrider/v1/endpoint';
import { createTestAuthority, type TestAuthority, type TestCertificate } from '../../../test/support/certificates.ts';
import { clientCertificateEnd, validateEndpointTls } from './endpoint-tls.ts';

let authority: TestAuthority;
let client: TestCertificate;
let other: TestCertificate;
before(async () => {
  authority = await createTestAuthority();
  [client, other] = await Promise.all([authority.issue('client'), authority.issue('other')]);
});
after(() => authority[Symbol.asyncDispose]());

const dayMs = 86_400_000;
const judge = (tls: Partial<EndpointTls>, now = Date.now()): readonly string[] =>
  validateEndpointTls(EndpointTls.fromPartial(tls), now, 'tls').map(
    ({ field, description }) => `${field} ${description}`,
  );

test('certificates in force and the key of the first of them are accepted; a key that is stored already need not be given', () => {
  const { cert, key } = client;
  assert.deepEqual(validateEndpointTls(undefined, 0, 'tls'), []);
  assert.deepEqual(judge({ minVersion: 'TLS_VERSION_1_3' }), []);
  assert.deepEqual(judge({ caPem: `${authority.ca}\n${authority.ca}` }), []);
  assert.deepEqual(judge({ clientCertificatePem: cert + authority.ca, clientKeyPem: key }), []);
  assert.deepEqual(judge({ clientCertificatePem: cert }), []);
});

test('a certificate out of its time is refused, and the time is told', () => {
  const { cert } = client;
  const [late] = judge({ clientCertificatePem: cert }, Date.now() + 3 * dayMs);
  assert.match(late ?? '', /^tls\.client_certificate_pem the certificate has expired: it was valid until 20/);
  const [early] = judge({ caPem: cert + authority.ca }, Date.now() - dayMs);
  assert.match(early ?? '', /^tls\.ca_pem certificate 1 is not valid yet: it begins at 20/);
});

test('of a chain the first end counts, and what cannot be read has none', async () => {
  const [short, long] = [await authority.issue('short', { days: 5 }), await authority.issue('long', { days: 50 })];
  const daysLeft = (pem: string) => Math.round(((clientCertificateEnd(pem) ?? 0) - Date.now()) / dayMs);
  assert.equal(daysLeft(long.cert + short.cert), 5);
  assert.deepEqual([clientCertificateEnd(''), clientCertificateEnd('x')], [null, null]);
});

test('what is no certificate, no key, or not the one for the other is refused by field', async () => {
  const { cert, key } = client;
  const encrypted = key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE');
  const { key: rsa } = await authority.issue('rsa', { rsaBits: 2_048 });
  const cases: readonly (readonly [tls: Partial<EndpointTls>, problem: RegExp])[] = [
    [{ caPem: 'x' }, /^tls\.ca_pem must be certificates in PEM form/],
    [{ caPem: cert.replace(/[A-Za-z]{20}/, 'A'.repeat(20)) }, /^tls\.ca_pem must be certificates in PEM form/],
    [{ caPem: cert + key }, /^tls\.ca_pem must be certificates in PEM form, and nothing else/],
    [{ clientCertificatePem: key + cert, clientKeyPem: key }, /^tls\.client_certificate_pem must be certificates/],
    [{ caPem: cert.repeat(17) }, /^tls\.ca_pem has more than 16 certificates/],
    [{ caPem: ' '.repeat(65_537) }, /^tls\.ca_pem has more than 65536 bytes/],
    [{ clientKeyPem: key }, /^tls\.client_certificate_pem must be set when client_key_pem is/],
    [{ clientCertificatePem: cert, clientKeyPem: other.key }, /^tls\.client_key_pem is not the key of the first/],
    [{ clientCertificatePem: cert, clientKeyPem: rsa }, /^tls\.client_key_pem is not the key of the first/],
    [{ clientCertificatePem: authority.ca + cert, clientKeyPem: key }, /^tls\.client_key_pem is not the key/],
    [{ clientCertificatePem: cert, clientKeyPem: encrypted }, /^tls\.client_key_pem is encrypted/],
    [{ clientCertificatePem: cert, clientKeyPem: cert }, /^tls\.client_key_pem must be one private key/],
    [{ clientCertificatePem: cert, clientKeyPem: key.repeat(2) }, /^tls\.client_key_pem (must be one|is not a)/],
    [{ clientCertificatePem: cert, clientKeyPem: 'x' }, /^tls\.client_key_pem must be one private key/],
    [{ minVersion: 'UNRECOGNIZED' }, /^tls\.min_version has a value/],
  ];
  for (const [tls, problem] of cases) {
    const found = judge(tls);
    assert.equal(found.length, 1, `${problem.source}: ${found.join('; ')}`);
    assert.match(found[0] ?? '', problem);
  }
});

test('no violation shows a part of a key', () => {
  const { cert, key } = client;
  const [, body = ''] = key.split('\n');
  const broken = key.replace(body, `${body.slice(0, 30)}!`);
  for (const clientKeyPem of [broken, key.slice(0, 60), other.key]) {
    const [found] = judge({ clientCertificatePem: cert, clientKeyPem });
    assert.ok(
      body.length > 30 && found !== undefined && !found.includes(body.slice(0, 12)),
      found ?? 'nothing is wrong',
    );
  }
});
