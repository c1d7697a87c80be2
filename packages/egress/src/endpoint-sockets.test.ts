import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { answering, laptopPolicy, openEgress, rawEndpoint, realClock, requestTo, sendOne } from '../testing/support.ts';
import { createChannel, createEndpointSockets } from './endpoint-sockets.ts';
import { defaultLimits } from './limits.ts';
import { DEFAULT_POOL } from './pools/name.ts';
import { createPool } from './pools/pool.ts';
import { tlsIdentity } from './tls-identity.ts';
import type { EgressError } from './failure.ts';

const deps = {
  ...{ policy: laptopPolicy, clock: realClock, limits: defaultLimits, identity: tlsIdentity({}) },
  resolve: () => Promise.resolve(['127.0.0.1']),
};
const anywhere = createPool({ name: DEFAULT_POOL, kind: 'nat', sourceAddresses: [] });
const channelTo = (origin: string) =>
  createChannel(createEndpointSockets('tenant/endpoint', origin, anywhere), deps, () => undefined);

test('an endpoint that cannot be reached costs no client', async () => {
  const closed = await rawEndpoint(() => undefined);
  await closed[Symbol.asyncDispose]();
  const channel = channelTo(closed.origin);
  const error = await new Promise<EgressError | null>((resolve) => channel.open(resolve));
  assert.equal(error?.failure.code, 'connection_refused');
  assert.equal(channel.client, null);
});

test('a connection that is made for a request given up meanwhile is closed', async () => {
  await using endpoint = await rawEndpoint(() => undefined);
  const name = Promise.withResolvers<readonly string[]>();
  const dialled = Promise.withResolvers<Socket>();
  await using egress = openEgress({
    limits: { totalMinMs: 50 },
    resolve: () => name.promise,
    dial(host, port) {
      const socket = connect({ host, port });
      dialled.resolve(socket);
      return socket;
    },
  });
  const origin = `http://hooks.example.com:${endpoint.port}`;
  const result = await sendOne(egress, requestTo(origin, { totalDeadlineMs: 50 }));
  assert.equal(result.kind === 'failure' && result.code, 'total_timeout');
  assert.equal(egress.connections(), 0);
  name.resolve(['127.0.0.1']);
  const socket = await dialled.promise;
  await new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  await endpoint.untilClosed();
  assert.equal(endpoint.received(), '');
});

test('an address of version 6 in the URL is dialled without its brackets', async () => {
  const { target } = createEndpointSockets('tenant/endpoint', 'https://[2001:db8::1]', anywhere);
  assert.deepEqual([target.hostname, target.port, target.tenant], ['2001:db8::1', 443, 'tenant']);
});

test('what broke while its channel was not in use is connected anew', async () => {
  await using endpoint = await answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  await using egress = openEgress();
  for (let sent = 1; sent <= 3; sent += 1) {
    const result = await sendOne(egress, requestTo(endpoint.origin));
    assert.equal(result.kind, 'response');
    assert.equal(endpoint.accepts(), sent);
  }
});

const malformed = {
  'a path with a space': { path: '/a b' },
  'a path without its slash': { path: 'hook' },
  'a name with a space': { headers: ['x y', '1'] },
  'a name without a value': { headers: ['x'] },
  'a value with a line break': { headers: ['x', '1\r\ny: 2'] },
  'a value beyond latin1': { headers: ['x', '\u0141'] },
};

for (const [what, more] of Object.entries(malformed))
  test(`${what} is a fault of ours, whether the endpoint can be reached or not, and nobody is connected to`, async () => {
    await using endpoint = await answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    await using egress = openEgress();
    const first = await sendOne(egress, requestTo(endpoint.origin, more));
    assert.equal(endpoint.accepts(), 0);
    assert.equal((await sendOne(egress, requestTo(endpoint.origin))).kind, 'response');
    const overOpen = await sendOne(egress, requestTo(endpoint.origin, more));
    await endpoint[Symbol.asyncDispose]();
    const last = await sendOne(egress, requestTo(endpoint.origin, more));
    for (const result of [first, overOpen, last])
      assert.deepEqual(result.kind === 'failure' && [result.code, result.owner], ['internal', 'ours']);
  });

test('a connection that the client never asked for, because it did not take the request, is closed', async () => {
  await using endpoint = await rawEndpoint(() => undefined);
  await using egress = openEgress();
  const result = await sendOne(egress, requestTo(endpoint.origin, { body: 1 as unknown as Buffer }));
  assert.deepEqual(result.kind === 'failure' && [result.code, result.owner], ['internal', 'ours']);
  assert.equal(endpoint.accepts(), 1);
  await endpoint.untilClosed();
});
