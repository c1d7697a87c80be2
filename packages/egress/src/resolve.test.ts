import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { systemResolve } from './resolve.ts';

const codes = { ok: 0, servfail: 2, nxdomain: 3 } as const;
const typeNumbers = { A: 1, AAAA: 28 } as const;

interface Answer {
  readonly code?: keyof typeof codes;
  readonly records?: readonly Buffer[];
}

/** A name server on loopback. `answer` returns `undefined` to stay silent. Observe `asked`: every name and type. */
async function nameServer(answer: (name: string, type: 'A' | 'AAAA') => Answer | undefined) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const type = query.readUInt16BE(at + 1) === typeNumbers.A ? 'A' : 'AAAA';
    asked.push(`${labels.join('.')} ${type}`);
    const given = answer(labels.join('.'), type);
    if (given === undefined) return;
    const records = given.records ?? [];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180 | codes[given.code ?? 'ok'], 2);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    const answers = records.map((data) =>
      Buffer.concat([Buffer.from([0xc0, 12, 0, typeNumbers[type], 0, 1, 0, 0, 0, 60, 0, data.length]), data]),
    );
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), ...answers]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { servers: [`127.0.0.1:${socket.address().port}`], asked, [Symbol.dispose]: () => void socket.close() };
}

const v4 = Buffer.from([203, 0, 113, 7]);
const v6 = Buffer.from('20010db8000000000000000000000001', 'hex');

test('addresses of both families are given', async () => {
  using server = await nameServer((_, type) => ({ records: [type === 'A' ? v4 : v6] }));
  const addresses = await systemResolve(2_000, server.servers)('hook.example.com');
  assert.deepEqual(addresses.toSorted(), ['2001:db8::1', '203.0.113.7']);
});

test('a name with one family is no error, and a broken answer for the other does not hide it', async () => {
  using none = await nameServer((_, type) => (type === 'A' ? { records: [v4] } : {}));
  assert.deepEqual(await systemResolve(2_000, none.servers)('hook.example.com'), ['203.0.113.7']);
  using broken = await nameServer((_, type) => (type === 'A' ? { records: [v4] } : { code: 'servfail' }));
  assert.deepEqual(await systemResolve(2_000, broken.servers)('hook.example.com'), ['203.0.113.7']);
});

test('the error that tells most is given', async () => {
  const codeOf = async (answer: (type: 'A' | 'AAAA') => Answer): Promise<string> => {
    using server = await nameServer((_, type) => answer(type));
    return await systemResolve(
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
  const resolve = systemResolve(2_000, server.servers);
  await assert.rejects(resolve('localhost.example.com'));
  await assert.rejects(resolve('kubernetes.default'));
  assert.deepEqual(
    [...new Set(server.asked.map((question) => question.split(' ')[0]))],
    ['localhost.example.com', 'kubernetes.default'],
  );
});

test('a name server that stays silent ends in a timeout', async () => {
  using server = await nameServer(() => undefined);
  await assert.rejects(systemResolve(200, server.servers)('hook.example.com'), { code: 'ETIMEOUT' });
});
