import assert from 'node:assert/strict';
import { BlockList, isIP } from 'node:net';
import { corpusRows, urlOf } from '../../packages/egress/testing/corpus.ts';
import { forbiddenSpelling } from '../../packages/egress/testing/spellings.ts';
import { createPolicy, judgeUrl, type UrlVerdict } from '@postrider/egress';
import { mutate, pick, type FuzzTarget, type Random } from './target.ts';

const policies = [
  createPolicy(),
  createPolicy({ allowHttp: true, ports: 'any' }),
  createPolicy({ allowHttp: true, ports: [80, 443, 8443], ownHosts: ['own.example.com'], allowIpLiteral: false }),
];

const seeds = corpusRows.filter(({ kind }) => kind === 'url').map(urlOf);
const pieces = [
  ...[
    'http://',
    'https://',
    '://',
    '//',
    '/',
    '\\',
    '@',
    ':',
    '#',
    '?',
    '.',
    '..',
    '[',
    ']',
    '::',
    '%',
    '%00',
    '%2e',
    '%25',
  ],
  ...[
    '127.0.0.1',
    '0x7f',
    '0177',
    '2130706433',
    '[::1]',
    '::ffff:',
    'localhost',
    'example.com',
    'xn--',
    'xn--a',
    'own.',
  ],
  ...[
    '\t',
    '\n',
    '\r',
    ' ',
    '\u0000',
    '\u007f',
    '\u00a0',
    '\u00ad',
    '\u200b',
    '\u3002',
    '\uff0e',
    '\uff11',
    '\u2460',
    '\ud800',
  ],
  ...[
    'ß',
    'ı',
    'K',
    'é',
    '܁',
    '🚚',
    ':443',
    ':0',
    ':65536',
    ':8443',
    'a'.repeat(64),
    'a.'.repeat(130),
    '-',
    '_',
    '*',
    ';',
  ],
];

/** Ranges that are not public, in the words of another implementation than the one under test. */
const special4 = blockList('ipv4', [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/3', '168.63.129.16/32'],
]);
const special6 = blockList('ipv6', [
  ...['::/3', '4000::/2', '8000::/1', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
]);

function blockList(family: 'ipv4' | 'ipv6', ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [net = '', bits] = range.split('/');
    list.addSubnet(net, Number(bits), family);
  }
  return (address) => list.check(address, family);
}

/** What the rule lets through must mean the same to every parser, and lead to no address that is not public. */
export const url: FuzzTarget = {
  does: 'the rule for URLs, against the parser of the client and against block lists',
  found: ['http://169.166-821307064332/62/', 'http://255.25%525ı5🚚/', 'http://255.25%525ı5.com/'],
  next(random: Random) {
    const from = random();
    if (from < 0.4) return forbiddenSpelling(random);
    if (from < 0.9) return mutate(pick(random, seeds), pieces, random);
    return Array.from({ length: 1 + Math.floor(random() * 12) }, () => pick(random, pieces)).join('');
  },
  check(input) {
    for (const policy of policies) {
      const verdict = judgeUrl(input, policy);
      if (verdict.verdict === 'deny') assert.match(verdict.reason, /^url_[a-z_]+$/);
      else assertPlain(input, verdict);
      // Judged again as it would be stored and read: nothing is let through on a second look.
      if (verdict.verdict === 'allow') assert.equal(judgeUrl(verdict.url.href, policy).verdict, 'allow');
    }
  },
};

function assertPlain(input: string, { url: seen }: Extract<UrlVerdict, { verdict: 'allow' }>): void {
  const parsed = new URL(input);
  assert.equal(seen.href, parsed.href, 'the client sees another URL');
  assert.equal(`${parsed.username}${parsed.password}${parsed.hash}`, '', 'user info or fragment');
  const [, written = ''] = /^https?:\/\/([^/?#]*)/i.exec(input) ?? [];
  const host = written.replace(/:\d*$/, '').toLowerCase();
  // What stands between the slashes is the host for a parser of any kind.
  if (/^[\x21-\x7e]*$/.test(host) && !host.startsWith('[')) assert.equal(host, parsed.hostname, 'another host');
  assert.doesNotMatch(written, /[\s\\@%]/, 'another parser may read it otherwise');
  const bare = parsed.hostname.replaceAll(/^\[|\]$/g, '');
  const family = isIP(bare);
  if (family !== 0) assert.equal((family === 4 ? special4 : special6)(bare), false, 'a special address');
  else assert.match(parsed.hostname, /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*$/, 'no public name');
}
