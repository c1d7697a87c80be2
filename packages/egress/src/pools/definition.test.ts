import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { tlsFile } from '../../testing/tls-receivers.ts';
import { parsePools } from './definition.ts';

const ca = tlsFile('ca.pem').toString();
const files: Record<string, string> = { '/run/password': 'open sesame\n', '/run/ca.pem': ca };
const read = (path: string): string => {
  const content = files[path];
  if (content === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
  return content;
};
const parse = (pools: object) => parsePools(JSON.stringify(pools), read);

test('pools of every kind are read with what is left out filled in', () => {
  const pools = parse({
    default: { kind: 'nat', sourceAddresses: ['192.0.2.7'], echoUrl: 'https://ip.example.com/' },
    pair: { kind: 'addresses', localAddresses: ['127.0.0.2', '127.0.0.3'], choice: 'sticky' },
    behind: { kind: 'addresses', localAddresses: ['10.0.0.2'], sourceAddresses: ['192.0.2.8'] },
    vetted: {
      ...{ kind: 'proxy', proxyUrl: 'https://proxy.internal', username: 'postrider' },
      ...{ passwordFile: '/run/password', caFile: '/run/ca.pem' },
    },
    plain: { kind: 'proxy', proxyUrl: 'http://[::1]:3128' },
  });
  assert.deepEqual(pools.get('pair'), {
    ...{ name: 'pair', kind: 'addresses', choice: 'sticky' },
    ...{ localAddresses: ['127.0.0.2', '127.0.0.3'], sourceAddresses: ['127.0.0.2', '127.0.0.3'] },
  });
  const behind = pools.get('behind');
  assert.deepEqual(behind?.kind === 'addresses' && [behind.choice, behind.sourceAddresses], ['in-turn', ['192.0.2.8']]);
  assert.equal(pools.get('default')?.echoUrl?.href, 'https://ip.example.com/');
  const vetted = pools.get('vetted');
  assert.ok(vetted?.kind === 'proxy');
  const { credentials, ...proxy } = vetted.proxy;
  assert.deepEqual(proxy, { hostname: 'proxy.internal', port: 443, tls: true, ca });
  assert.equal(credentials?.authorization.reveal(), `Basic ${btoa('postrider:open sesame')}`);
  const plain = pools.get('plain');
  assert.deepEqual(plain?.kind === 'proxy' && plain.proxy, { hostname: '::1', port: 3128, tls: false });
});

test('a password is in nothing that is printed', () => {
  const pools = parse({
    p: { kind: 'proxy', proxyUrl: 'http://proxy:1', username: 'u', passwordFile: '/run/password' },
  });
  const printed = `${inspect(pools, { depth: 9 })}${JSON.stringify([...pools])}`;
  for (const form of ['sesame', btoa('u:open sesame')]) assert.ok(!printed.includes(form));
});

const nat = { kind: 'nat' };
const addresses = { kind: 'addresses', localAddresses: ['127.0.0.2'] };
const proxy = { kind: 'proxy', proxyUrl: 'http://proxy:3128' };
const wrong: readonly (readonly [pools: object, problem: RegExp])[] = [
  [{ Upper: nat }, /"Upper" is no name of a pool/],
  [{ p: [] }, /pool p is not a JSON object/],
  [{ p: {} }, /pool p: kind must be one of nat, addresses, proxy/],
  [{ p: { kind: 'socks' } }, /pool p: kind must be one of/],
  [{ p: { ...nat, proxyUrl: 'http://proxy:1' } }, /pool p: proxyUrl is not known/],
  [{ p: { ...nat, sourceAddresses: '192.0.2.1' } }, /pool p: sourceAddresses must be a list of texts/],
  [
    { p: { ...nat, sourceAddresses: ['192.0.2.1/32'] } },
    /pool p: sourceAddresses "192.0.2.1\/32" is not an IP address/,
  ],
  [{ p: { ...nat, echoUrl: 'https://ip.example.com' } }, /pool p: echoUrl needs sourceAddresses/],
  [{ p: { ...addresses, echoUrl: 'ftp://ip.example.com' } }, /pool p: echoUrl must begin with/],
  [{ p: { ...addresses, localAddresses: [] } }, /pool p: localAddresses must name at least one address/],
  [{ p: { ...addresses, localAddresses: ['127.1'] } }, /pool p: localAddresses "127.1" is not an IP address/],
  [
    { p: { ...addresses, localAddresses: ['127.0.0.2', '127.0.0.2'] } },
    /pool p: localAddresses names an address twice/,
  ],
  [{ p: { ...addresses, choice: 'random' } }, /pool p: choice must be one of in-turn, sticky/],
  [{ p: { kind: 'proxy' } }, /pool p: proxyUrl must be http:/],
  [{ p: { ...proxy, caFile: '/run/password' } }, /pool p: caFile names a file without certificates in PEM form/],
  [{ p: { ...proxy, proxyUrl: 'socks5://proxy:1' } }, /pool p: proxyUrl must be http:/],
  [{ p: { ...proxy, proxyUrl: 'http://u:secret@proxy:1' } }, /pool p: proxyUrl must not hold a user name/],
  [{ p: { ...proxy, proxyUrl: 'http://proxy:1/path' } }, /pool p: proxyUrl must be http:/],
  [{ p: { ...proxy, username: 'u' } }, /pool p: username and passwordFile must be given together/],
  [{ p: { ...proxy, username: 'u:v', passwordFile: '/run/password' } }, /pool p: username must not hold a colon/],
  [
    { p: { ...proxy, username: 'u', passwordFile: '/no' } },
    /pool p: passwordFile names a file that cannot be read: "\/no" \(ENOENT\)/,
  ],
];

test('what is wrong with pools is told by pool and field, all of it at once, without secrets', () => {
  for (const [pools, problem] of wrong) {
    assert.throws(
      () => parse(pools),
      (error: Error) => error instanceof RangeError && problem.test(error.message),
      inspect(pools),
    );
    assert.throws(
      () => parse(pools),
      (error: Error) => !error.message.includes('secret'),
    );
  }
  assert.throws(
    () => parse({ a: { kind: 'socks' }, b: { ...nat, more: 1 } }),
    /pool a: kind .*; pool b: more is not known/,
  );
  assert.throws(() => parsePools('[]', read), /must be a JSON object/);
  assert.throws(() => parsePools('{', read), /not valid JSON/);
});
