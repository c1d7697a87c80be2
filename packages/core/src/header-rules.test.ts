import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isForbiddenHeader,
  isHeaderValue,
  isReservedHeader,
  isSecretHeader,
  validateCustomHeaders,
} from './header-rules.ts';

const reserved = [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Keep-Alive',
  'Upgrade',
  'Expect',
  'TE',
  'Trailer',
  'Proxy-Authorization',
  'Proxy-Connection',
  'Via',
  'Forwarded',
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'webhook-id',
  'webhook-signature',
  'webhook-anything',
  'ce-id',
  'postrider-attempt',
  'Metadata-Flavor',
  'X-aws-ec2-metadata-token',
  'X-aws-ec2-metadata-token-ttl-seconds',
  'X-Metadata-Token',
  'Metadata',
  'Content-Type',
  'User-Agent',
  'Accept-Encoding',
];
const allowed = [
  'Authorization',
  'Cookie',
  'X-Api-Key',
  'X-Webhook',
  'hosted',
  'X-Tenant',
  'Accept',
  'metadata-x',
  'tea',
];

test('reserved names are known in any case, with underscores, and with white space around them', () => {
  for (const name of reserved) {
    const twins = [name, name.toLowerCase(), name.toUpperCase(), name.replaceAll('-', '_'), ` ${name}`, `${name}\t`];
    for (const twin of twins) assert.equal(isReservedHeader(twin), true, JSON.stringify(twin));
  }
  for (const name of allowed) assert.equal(isReservedHeader(name), false, name);
});

test('what is forbidden is reserved too; what only we set is not forbidden', () => {
  for (const name of [
    'Host',
    'transfer_encoding',
    'Proxy-Authorization',
    'X-Forwarded-For',
    ' te',
    'Metadata-Flavor',
  ]) {
    assert.deepEqual([isForbiddenHeader(name), isReservedHeader(name)], [true, true], name);
  }
  for (const name of ['webhook-signature', 'ce-id', 'Postrider-Attempt', 'content-type', 'User-Agent', 'traceparent']) {
    assert.deepEqual([isForbiddenHeader(name), isReservedHeader(name)], [false, true], name);
  }
});

test('a tenant’s headers are refused for each of their faults, naming the header and never the value', () => {
  const canary = 'canary-value';
  const faulty: Record<string, string> = {
    '': canary,
    'a b': canary,
    'a:b': canary,
    ':authority': canary,
    'a\r\nb': canary,
    ä: canary,
    ['n'.repeat(129)]: canary,
    'x-cr': `${canary}\r`,
    'x-lf': `${canary}\nx-evil: 1`,
    'x-nul': `${canary}\0`,
    'x-latin': `${canary}ä`,
    'x-emoji': `${canary}🙂`,
    'x-space': ` ${canary}`,
    'x-end': `${canary} `,
    'x-long': 'v'.repeat(4_097),
    webhook_signature: canary,
  };
  const violations = validateCustomHeaders(faulty, 'endpoint.headers');
  for (const name of Object.keys(faulty)) {
    const field = `endpoint.headers[${JSON.stringify(name)}]`;
    assert.equal(violations.filter((violation) => violation.field === field).length, 1, field);
  }
  assert.ok(!JSON.stringify(violations).includes(canary));
});

test('what is no text is refused', () => {
  for (const value of [null, undefined, 1, {}, ['a']]) {
    assert.equal(validateCustomHeaders({ 'x-a': value as unknown as string }).length, 1);
  }
});

test('a name may stand only once, whatever its case', () => {
  assert.deepEqual(validateCustomHeaders({ 'X-A': '1', 'x-a': '2' }), [
    { field: 'headers["x-a"]', description: 'is given twice' },
  ]);
  assert.equal(validateCustomHeaders({ 'x-a': '1', 'X-A': '2' }).length, 1);
});

test('number and size of headers are bounded', () => {
  const many = (count: number, size = 1) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${String(i).padStart(3, '0')}`, 'v'.repeat(size)]));
  assert.deepEqual(validateCustomHeaders(many(32)), []);
  assert.deepEqual(
    validateCustomHeaders(many(33)).map(({ field }) => field),
    ['headers'],
  );
  assert.deepEqual(validateCustomHeaders(many(2, 4_091)), []);
  assert.match(validateCustomHeaders(many(2, 4_092))[0]?.description ?? '', /8194 bytes; at most 8192/);
});

test('ordinary headers are allowed', () => {
  const fine = { Authorization: 'Bearer abc.def', 'X-Empty': '', 'x-odd': '"a; b=\tc"', __proto__x: '1' };
  assert.deepEqual(validateCustomHeaders(fine), []);
});

test('no value that is allowed can end a header', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      if (isHeaderValue(text)) assert.match(text, /^[\x20-\x7e\t]*$/);
    }),
  );
});

test('names that speak of secrets are told from others', () => {
  for (const name of [
    'Authorization',
    'cookie',
    'Set-Cookie',
    'X-API-Key',
    'x_auth_token',
    'X-Password',
    'Client-Secret',
  ]) {
    assert.equal(isSecretHeader(name), true, name);
  }
  for (const name of [
    'content-type',
    'webhook-signature',
    'webhook-id',
    'idempotency-key',
    'www-authenticate',
    'x-team',
  ]) {
    assert.equal(isSecretHeader(name), false, name);
  }
});
