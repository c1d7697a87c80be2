import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { corpusRows, mustRefuseText, policyOf, urlOf } from '../testing/corpus.ts';
import { createPolicy } from './policy.ts';
import { judgeUrl, type UrlVerdict } from './url-rule.ts';

const strict = createPolicy();
const wide = createPolicy({ allowHttp: true, ports: 'any' });
const laptop = createPolicy({ allowHttp: true, ports: 'any', allowLoopback: true });

const reasonOf = (verdict: UrlVerdict): string => (verdict.verdict === 'allow' ? 'allow' : verdict.reason);

for (const row of corpusRows) {
  test(`corpus ${row.id} ${row.class}: ${row.reason}`, () => {
    const verdict = judgeUrl(urlOf(row), policyOf(row));
    assert.equal(verdict.verdict, mustRefuseText(row) ? 'deny' : 'allow', JSON.stringify(verdict));
    // What it lets through is what every client will see.
    if (verdict.verdict === 'allow') assert.equal(verdict.url.href, new URL(urlOf(row)).href);
  });
}

test('the corpus was read: 201 rows, of which the text refuses 140', () => {
  assert.deepEqual([corpusRows.length, corpusRows.filter(mustRefuseText).length], [201, 140]);
});

const rows: [string, string][] = [
  ['https://hooks.example.com/a?b=c', 'allow'],
  ['https://xn--mnchen-3ya.example.com/', 'allow'],
  ['https://münchen.example.com/', 'allow'],
  ['http://hooks.example.com/', 'url_scheme'],
  ['https://hooks.example.com:8443/', 'url_port'],
  ['https://hooks.example.com:/', 'allow'],
  ['https://hooks.example.com/#', 'url_fragment'],
  ['https://@hooks.example.com/', 'url_user_info'],
  ['https:hooks.example.com/', 'url_malformed'],
  ['https://hooks.example.com./', 'url_host'],
  ['https://hooks.example.com/\u00e9', 'allow'],
  [`https://hooks.example.com/${'a'.repeat(2048)}`, 'url_too_long'],
  ['https://ex%61mple.com/', 'url_host_not_canonical'],
  ['https://１.example.com/', 'url_host_not_canonical'],
  ['https://10.0.0.1/', 'url_address'],
  ['https://localhost/', 'url_host'],
];
for (const [raw, expected] of rows) {
  test(`default policy: ${raw.slice(0, 60)} is ${expected}`, () =>
    assert.equal(reasonOf(judgeUrl(raw, strict)), expected));
}

test('a policy without literal addresses refuses public ones too, in a URL and nowhere else', () => {
  const named = createPolicy({ allowIpLiteral: false });
  assert.equal(reasonOf(judgeUrl('https://8.8.8.8/', named)), 'url_ip_literal');
  assert.equal(reasonOf(judgeUrl('https://[2606:4700::1111]/', named)), 'url_ip_literal');
  assert.equal(reasonOf(judgeUrl('https://8.8.8.8.example.com/', named)), 'allow');
});

test('loopback and localhost are open only where the policy says so', () => {
  for (const raw of ['http://localhost:3000/', 'http://127.0.0.1:3000/', 'http://[::1]:3000/']) {
    assert.equal(reasonOf(judgeUrl(raw, laptop)), 'allow', raw);
    assert.notEqual(reasonOf(judgeUrl(raw, wide)), 'allow', raw);
  }
  for (const raw of [
    'http://0.0.0.0:3000/',
    'http://[::]:3000/',
    'http://[::ffff:127.0.0.1]:3000/',
    'http://x.localhost/',
  ]) {
    assert.notEqual(reasonOf(judgeUrl(raw, laptop)), 'allow', raw);
  }
});

test('hosts of the operator are refused with everything below them', () => {
  const policy = createPolicy({ ownHosts: ['Hooks.Acme.com'] });
  assert.equal(reasonOf(judgeUrl('https://hooks.acme.com/', policy)), 'url_host_own');
  assert.equal(reasonOf(judgeUrl('https://eu.hooks.acme.com/', policy)), 'url_host_own');
  assert.equal(reasonOf(judgeUrl('https://otherhooks.acme.com/', policy)), 'allow');
});

test('no spelling of a loopback or metadata IPv4 address passes', () => {
  const part = (value: number) =>
    fc.constantFrom(String(value), `0x${value.toString(16)}`, `0${value.toString(8)}`, `00${value}`, `%3${value % 10}`);
  const spelling = fc
    .constantFrom([127, 0, 0, 1], [169, 254, 169, 254], [10, 0, 0, 1], [0, 0, 0, 0])
    .chain(([a = 0, b = 0, c = 0, d = 0]) =>
      fc.oneof(
        fc.tuple(part(a), part(b), part(c), part(d)).map((parts) => parts.join('.')),
        fc.constantFrom(
          ...[10, 16, 8].map((base) => {
            const whole = (((a * 256 + b) * 256 + c) * 256 + d).toString(base);
            return base === 16 ? `0x${whole}` : base === 8 ? `0${whole}` : whole;
          }),
        ),
        fc.constant(`${a}.${(b << 16) | (c << 8) | d}`),
        fc.constant(`${a}.${b}.${(c << 8) | d}`),
      ),
    );
  const port = fc.constantFrom('', ':80', ':443', ':');
  fc.assert(
    fc.property(spelling, port, fc.constantFrom('http', 'HTTPS', 'https'), (host, tail, scheme) => {
      assert.notEqual(reasonOf(judgeUrl(`${scheme}://${host}${tail}/`, wide)), 'allow');
    }),
    { numRuns: 2_000 },
  );
});

test('whatever the text, an allowed URL has the host that was written', () => {
  const piece = fc.constantFrom(
    'http',
    'https',
    ':',
    '/',
    '//',
    '@',
    '#',
    '?',
    '\\',
    '.',
    '127.0.0.1',
    '[::1]',
    'a.com',
    '\t',
    '%',
    '0x7f',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const raw = pieces.join('');
      const verdict = judgeUrl(raw, wide);
      if (verdict.verdict === 'deny') return;
      const { host } = verdict.url;
      assert.ok(raw.toLowerCase().startsWith(`${verdict.url.protocol}//${host}`), raw);
    }),
    { numRuns: 5_000 },
  );
});
