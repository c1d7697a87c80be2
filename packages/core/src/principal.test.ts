import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificatePrincipal, isCertificatePrincipal, isPrincipal } from './principal.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const of = (subjectaltname: string, CN?: string | string[], valid_to = 'Jan  2 00:00:00 2026 GMT') =>
  certificatePrincipal({ subjectaltname, subject: CN === undefined ? {} : { CN }, valid_to }, now);

test('a certificate names its first URI, else its first DNS name, else the common name', () => {
  assert.equal(
    of('DNS:b.example, URI:spiffe://acme/router, URI:spiffe://acme/other'),
    'certificate/uri:spiffe://acme/router',
  );
  assert.equal(of('IP Address:10.0.0.1, DNS:b.example, DNS:c.example', 'b'), 'certificate/dns:b.example');
  assert.equal(of('', 'router'), 'certificate/cn:router');
  assert.equal(of('IP Address:10.0.0.1, email:a@example.com', 'router'), 'certificate/cn:router');
});

test('nothing in one kind of name is taken for another kind', () => {
  assert.equal(of('', 'uri:spiffe://acme/admin'), 'certificate/cn:uri:spiffe://acme/admin');
  assert.equal(of('DNS:"a, URI:spiffe://acme/admin"', 'x'), null);
  assert.equal(of('DirName:"CN = a, URI:spiffe://acme/admin"', 'x'), 'certificate/cn:x');
  assert.equal(of('URI:"spiffe://acme/a\\", URI:spiffe://acme/admin", DNS:x'), null);
});

test('a certificate that names nobody, or has ended, is nobody’s', () => {
  assert.equal(of(''), null);
  assert.equal(of('', ['a', 'b']), null);
  assert.equal(of('', 'two words'), null);
  assert.equal(of('', `x${'y'.repeat(255)}`), null);
  assert.equal(of('', 'router', 'Jan  1 00:00:00 2026 GMT'), null);
  assert.equal(of('', 'router', 'soon'), null);
});

test('principals have a kind, and no spaces', () => {
  const good = [
    'api-key/0k3v5w9z1x2y3',
    'user/alice@example.com',
    'group/platform',
    'certificate/uri:spiffe://acme/router',
    'certificate/dns:b.example',
    'certificate/cn:router',
  ];
  assert.deepEqual(
    good.filter((text) => !isPrincipal(text)),
    [],
  );
  const bad = ['', 'user/', 'user/a b', 'group/', 'api-key/A', 'certificate/router', 'certificate/ip:10.0.0.1', 'x/y'];
  assert.deepEqual(
    bad.filter((text) => isPrincipal(text)),
    [],
  );
  assert.deepEqual(good.filter(isCertificatePrincipal), good.slice(3));
});
