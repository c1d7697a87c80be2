import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameServer, type NameServerAnswer } from '../testing/name-server.ts';
import { askNameServers } from './resolve.ts';

const v4 = Buffer.from([203, 0, 113, 7]);
const v6 = Buffer.from('20010db8000000000000000000000001', 'hex');

test('addresses of both families are given, and the shortest time that any of them may be used', async () => {
  using server = await nameServer((_, type) =>
    type === 'A' ? { records: [v4], ttl: 120 } : { records: [v6], ttl: 7 },
  );
  const { addresses, ttlMs } = await askNameServers(2_000, server.servers)('hook.example.com');
  assert.deepEqual(addresses.toSorted(), ['2001:db8::1', '203.0.113.7']);
  assert.equal(ttlMs, 7_000);
});

test('a name with one family is no error, and a broken answer for the other does not hide it', async () => {
  using none = await nameServer((_, type) => (type === 'A' ? { records: [v4] } : {}));
  assert.deepEqual((await askNameServers(2_000, none.servers)('hook.example.com')).addresses, ['203.0.113.7']);
  using broken = await nameServer((_, type) => (type === 'A' ? { records: [v4] } : { code: 'servfail' }));
  assert.deepEqual((await askNameServers(2_000, broken.servers)('hook.example.com')).addresses, ['203.0.113.7']);
});

test('the second name server is asked in time when the first is silent', async () => {
  using silent = await nameServer(() => undefined);
  using server = await nameServer((_, type) => (type === 'A' ? { records: [v4] } : {}));
  const ask = askNameServers(400, [...silent.servers, ...server.servers]);
  assert.deepEqual((await ask('hook.example.com')).addresses, ['203.0.113.7']);
});

test('the error that tells most is given', async () => {
  const codeOf = async (answer: (type: 'A' | 'AAAA') => NameServerAnswer): Promise<string> => {
    using server = await nameServer((_, type) => answer(type));
    return await askNameServers(
      2_000,
      server.servers,
    )('hook.example.com').then(
      () => 'none',
      (error: NodeJS.ErrnoException) => error.code ?? '',
    );
  };
  assert.equal(await codeOf(() => ({ code: 'nxdomain' })), 'ENOTFOUND');
  assert.equal(await codeOf(() => ({ code: 'servfail' })), 'ESERVFAIL');
  assert.equal(await codeOf((type) => (type === 'A' ? {} : { code: 'servfail' })), 'ESERVFAIL');
});

test('only the name itself is asked for: no search list, no hosts file', async () => {
  using server = await nameServer(() => ({ code: 'nxdomain' }));
  const resolve = askNameServers(2_000, server.servers);
  await assert.rejects(resolve('localhost.example.com'));
  await assert.rejects(resolve('kubernetes.default'));
  assert.deepEqual(
    [...new Set(server.asked.map((question) => question.split(' ')[0]))],
    ['localhost.example.com', 'kubernetes.default'],
  );
});

test('a name server that stays silent ends in a timeout', async () => {
  using server = await nameServer(() => undefined);
  await assert.rejects(askNameServers(200, server.servers)('hook.example.com'), { code: 'ETIMEOUT' });
});
