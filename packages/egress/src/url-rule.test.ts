import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mulberry32 } from '../../../test/simulation/mulberry32.ts';
import { corpusRows, mustRefuseText, policyOf, urlOf } from '../testing/corpus.ts';
import { forbiddenSpelling } from '../testing/spellings.ts';
import { createPolicy } from './policy.ts';
import { judgeUrl, type UrlVerdict } from './url-rule.ts';

const strict = createPolicy();
const wide = createPolicy({ allowHttp: true, ports: 'any' });
const laptop = createPolicy({ allowHttp: true, ports: 'any', allowLoopback: true });

const spellings = 1_000_000;

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
  ['https://mu\u0308nchen.example.com/', 'allow'],
  ['https://MÜNCHEN.example.com/', 'allow'],
  ['https://m%C3%BCnchen.example.com/', 'url_host_not_canonical'],
  ['https://mün%63hen.example.com/', 'url_host_not_canonical'],
  ['https://mün\u00adchen.example.com/', 'url_host_not_canonical'],
  ['https://münｃhen.example.com/', 'url_host_not_canonical'],
  ['https://10.0.0.1/', 'url_address'],
  ['https://localhost/', 'url_host'],
  ['https://169.166-8/', 'url_host_special'],
  ['https://hooks.example.c0m/', 'allow'],
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
  const policy = createPolicy({ ownHosts: ['Hooks.Acme.com', 'münchen.example.net'] });
  assert.equal(reasonOf(judgeUrl('https://hooks.acme.com/', policy)), 'url_host_own');
  assert.equal(reasonOf(judgeUrl('https://eu.hooks.acme.com/', policy)), 'url_host_own');
  assert.equal(reasonOf(judgeUrl('https://MÜNCHEN.example.net/', policy)), 'url_host_own');
  assert.equal(reasonOf(judgeUrl('https://otherhooks.acme.com/', policy)), 'allow');
});

test('no spelling of a forbidden address or name passes, among a million', (t) => {
  const seed = Number(process.env['POSTRIDER_TEST_SEED'] ?? Date.now() % 2 ** 32);
  t.diagnostic(`${spellings} spellings, seed ${seed}`);
  const random = mulberry32(seed);
  const seen = new Map<string, number>();
  for (let index = 0; index < spellings; index++) {
    const raw = forbiddenSpelling(random);
    const reason = reasonOf(judgeUrl(raw, wide));
    assert.notEqual(reason, 'allow', `${raw} of seed ${seed}`);
    seen.set(reason, (seen.get(reason) ?? 0) + 1);
  }
  // The generator is none if all of its spellings fall for one reason.
  for (const reason of [
    'url_address',
    'url_host_not_canonical',
    'url_host_special',
    'url_user_info',
    'url_malformed',
  ]) {
    assert.ok((seen.get(reason) ?? 0) > spellings / 1_000, `${reason}: ${seen.get(reason)}`);
  }
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
