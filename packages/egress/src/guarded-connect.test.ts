/** Nothing here dials anything but loopback: addresses outside are answered by an injected `dial`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { test } from 'node:test';
import { corpusRows, policyOf } from '../testing/corpus.ts';
import { laptopPolicy, onRequest, openEgress, rawEndpoint, realClock, requestTo, sendOne } from '../testing/support.ts';
import { tlsReceiver } from '../testing/tls-receivers.ts';
import { EgressError } from './failure.ts';
import { guardedConnect, vet, type ConnectDependencies } from './guarded-connect.ts';
import { createEgress, createPolicy, defaultLimits, type EgressLimits, type EgressResult } from './index.ts';
import { tlsIdentity } from './tls-identity.ts';

const strict = createPolicy({ allowHttp: true, ports: 'any' });
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const tls = (name: string): string => readFileSync(new URL(`../testdata/tls/${name}`, import.meta.url), 'utf8');

function deps(more: Partial<ConnectDependencies> = {}): ConnectDependencies {
  return {
    policy: strict,
    clock: realClock,
    limits: defaultLimits,
    resolve: async () => [],
    identity: tlsIdentity({}),
    ...more,
  };
}

const connectOnce = (hostname: string, port: number, with_: ConnectDependencies): Promise<Socket> =>
  new Promise((resolve, reject) => {
    guardedConnect({ protocol: 'http:', hostname, port }, {}, with_, (error, socket) => {
      if (socket === undefined) reject(error ?? new Error('neither socket nor error'));
      else resolve(socket);
    });
  });

async function verdictOf(hostname: string, with_: ConnectDependencies): Promise<string> {
  try {
    await vet(hostname, with_);
    return 'allow';
  } catch (error) {
    if (!(error instanceof EgressError)) return 'dns_error';
    return error.failure.code === 'blocked_address' ? 'reject_connect' : 'dns_error';
  }
}

for (const row of corpusRows) {
  const { host } = row;
  if (row.kind !== 'dns' || host === undefined) continue;
  test(`${row.id} ${row.class}: ${row.reason}`, async () => {
    const policy = policyOf(row);
    const lookups = row.answers_by_lookup ?? [row.answers ?? []];
    let lookup = 0;
    const resolve = async (): Promise<readonly string[]> => {
      if (row.rcode !== undefined)
        throw Object.assign(new Error(row.rcode), { code: row.rcode === 'TIMEOUT' ? 'ETIMEOUT' : `E${row.rcode}` });
      return lookups[Math.min(lookup++, lookups.length - 1)] ?? [];
    };
    let verdict = '';
    // Each connection asks anew: no verdict of an earlier one is kept.
    for (let connection = 0; connection < lookups.length; connection++)
      verdict = await verdictOf(host, deps({ policy, resolve }));
    assert.equal(verdict, row.expect);
  });
}

test('no URL of the corpus and no answer of a name reaches a listener on loopback', async () => {
  await using canary4 = await rawEndpoint(() => {});
  await using canary6 = await rawEndpoint(() => {}, '::1');
  const dialled: string[] = [];
  const dial = (address: string): Socket => {
    dialled.push(address);
    // Whatever passed the guard is public and is not dialled here.
    return connectTcp({ host: '127.0.0.1', port: 1, autoSelectFamily: false });
  };
  for (const port of [canary4.port, canary6.port]) {
    const policy = createPolicy({ allowHttp: true, ports: 'any' });
    const egress = createEgress({ policy, clock: realClock, dial, resolve: async () => ['8.8.8.8', '127.0.0.1'] });
    for (const row of corpusRows) {
      const url = row.kind === 'url' ? URL.parse(row.input ?? '') : null;
      if (url === null || !url.protocol.startsWith('http')) continue;
      // The rule for URLs is left out on purpose: a host that got past it must still meet the guard in connect.
      const hostname = url.hostname.replace(/^\[|\]$/g, '');
      await connectOnce(hostname, port, deps({ dial, policy, resolve: async () => ['8.8.8.8', '::1'] })).catch(
        () => {},
      );
      await sendOne(egress, requestTo(`${url.protocol}//${url.hostname}:${port}`, { poolKey: row.id }));
    }
    await egress.close({ graceMs: 0 });
  }
  assert.deepEqual([canary4.accepts(), canary6.accepts()], [0, 0]);
  assert.ok(dialled.length > 0);
  for (const address of dialled)
    assert.match(address, /^(?!127\.|0\.|10\.|169\.254\.|192\.168\.)[1-9][0-9.]+$|^2[0-9a-f]{3}:/);
});

test('literals are judged without a resolver, zone or not', async () => {
  const resolve = (): Promise<never> => assert.fail('asked');
  for (const hostname of ['127.0.0.1', '::1', '::', '0.0.0.0', '::ffff:127.0.0.1', '169.254.169.254']) {
    assert.equal(await verdictOf(hostname, deps({ resolve })), 'reject_connect', hostname);
  }
  assert.equal(await verdictOf('::1%lo', deps({ resolve: async () => ['::1%lo'] })), 'reject_connect');
});

test('the message of a refusal names neither the address nor its range', async () => {
  const error = await vet('hook.example.com', deps({ resolve: async () => ['10.1.2.3'] })).catch(
    (e: unknown) => e as Error,
  );
  assert.equal((error as Error).message, 'the host has an address that is not allowed');
});

test('the name is resolved once for a connection, and the address dialled is the one judged', async () => {
  await using endpoint = await rawEndpoint(() => {});
  let lookups = 0;
  const resolve = async (): Promise<string[]> => (lookups++ === 0 ? ['127.0.0.1'] : ['169.254.169.254']);
  const socket = await connectOnce('hook.example.com', endpoint.port, deps({ policy: laptopPolicy, resolve }));
  assert.deepEqual([socket.remoteAddress, lookups], ['127.0.0.1', 1]);
  socket.destroy();
});

test('the next address is tried when the first refuses, and none when TLS or the guard said no', async () => {
  await using endpoint = await rawEndpoint(() => {});
  const resolve = async (): Promise<string[]> => ['127.0.0.2', '127.0.0.1'];
  const socket = await connectOnce('hook.example.com', endpoint.port, deps({ policy: laptopPolicy, resolve }));
  assert.equal(socket.remoteAddress, '127.0.0.1');
  socket.destroy();
});

test('a connection that never comes about is given up', async () => {
  const limits = { ...defaultLimits, connectMs: 100 };
  // A socket that was never told to connect stands for an address whose packets are dropped.
  const { Socket: NetSocket } = await import('node:net');
  const dropped = deps({ limits, policy: laptopPolicy, dial: () => new NetSocket() });
  const failure = await connectOnce('127.0.0.1', 80, dropped).catch((error: unknown) => (error as EgressError).failure);
  assert.deepEqual(failure, { code: 'connect_timeout', owner: 'endpoint', message: 'no connection within 100 ms' });
});

test('running out of sockets or of a resolver is ours, a missing name or refusal the endpoint’s', async () => {
  const fail = async (code: string, how: 'resolve' | 'dial') => {
    const error = Object.assign(new Error(code), { code });
    const { Socket: NetSocket } = await import('node:net');
    const socket = new NetSocket();
    const with_ =
      how === 'resolve'
        ? deps({ resolve: () => Promise.reject(error) })
        : deps({ dial: () => socket.destroy(error), resolve: async () => ['8.8.8.8'] });
    return connectOnce('hook.example.com', 80, with_).then(
      () => '',
      (e: unknown) => `${(e as EgressError).failure.code} ${(e as EgressError).failure.owner}`,
    );
  };
  assert.equal(await fail('EMFILE', 'dial'), 'internal ours');
  assert.equal(await fail('EADDRNOTAVAIL', 'dial'), 'internal ours');
  assert.equal(await fail('ECONNREFUSED', 'dial'), 'connection_refused endpoint');
  assert.equal(await fail('EHOSTUNREACH', 'dial'), 'connection_refused endpoint');
  assert.equal(await fail('ECONNREFUSED', 'resolve'), 'dns_failure ours');
  assert.equal(await fail('ENOTFOUND', 'resolve'), 'dns_not_found endpoint');
  assert.equal(await fail('ESERVFAIL', 'resolve'), 'dns_failure endpoint');
});

/** A TLS endpoint on loopback that answers 200, and what it saw of each handshake. */
async function tlsEndpoint(options: TlsOptions) {
  const seen: { servername: string | false; resumed: boolean }[] = [];
  const server = createTlsServer(options, (socket) => {
    seen.push({ servername: socket.servername ?? false, resumed: socket.isSessionReused() });
    socket.on('error', () => {});
    onRequest(socket, () => socket.end(ok));
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, seen, [Symbol.dispose]: () => void server.close() };
}

async function sendTls(
  options: TlsOptions,
  hostname = 'hook.example.com',
  repetitions = 1,
  limits: Partial<EgressLimits> = {},
) {
  using endpoint = await tlsEndpoint(options);
  await using egress = openEgress({
    resolve: async () => ['127.0.0.1'],
    ca: [tls('ca.pem')],
    limits: { connectMs: 1_000, ...limits },
  });
  let result: EgressResult | undefined;
  for (let index = 0; index < repetitions; index++) {
    result = await sendOne(egress, requestTo(`https://${hostname}:${endpoint.port}`));
  }
  return { outcome: result?.kind === 'response' ? result.status : result?.code, seen: endpoint.seen };
}

const hook = { key: tls('hook.key'), cert: tls('hook.pem') };

test('TLS speaks the name of the URL to the address that was judged, and checks the certificate against that name', async () => {
  assert.deepEqual(await sendTls(hook), { outcome: 200, seen: [{ servername: 'hook.example.com', resumed: false }] });
});

test('a session is resumed with the same endpoint', async () => {
  const { seen } = await sendTls(hook, 'hook.example.com', 2);
  assert.deepEqual(
    seen.map((one) => one.resumed),
    [false, true],
  );
});

test('a session that is larger than its limit is not kept', async () => {
  const { seen } = await sendTls(hook, 'hook.example.com', 2, { tlsSessionBytes: 100 });
  assert.deepEqual(
    seen.map((one) => one.resumed),
    [false, false],
  );
});

test('a TLS connection carries one request after the other', async () => {
  await using endpoint = await tlsReceiver(hook);
  await using egress = openEgress({ resolve: async () => ['127.0.0.1'], ca: [tls('ca.pem')] });
  const request = requestTo(`https://hook.example.com:${endpoint.port}`);
  const isNew: boolean[] = [];
  for (let index = 0; index < 3; index++) isNew.push((await sendOne(egress, request)).timings.connectMs !== undefined);
  assert.deepEqual(isNew, [true, false, false]);
});

test('an address in the URL is no server name; the certificate must hold the address', async () => {
  assert.deepEqual(await sendTls(hook, '127.0.0.1'), { outcome: 200, seen: [{ servername: false, resumed: false }] });
});

test('bad certificates and old protocols are the endpoint’s TLS errors', async () => {
  assert.equal((await sendTls({ key: tls('other.key'), cert: tls('other.pem') })).outcome, 'tls_certificate');
  assert.equal((await sendTls({ key: tls('expired.key'), cert: tls('expired.pem') })).outcome, 'tls_certificate');
  assert.equal(
    (await sendTls({ ...hook, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).outcome,
    'tls_protocol',
  );
  assert.equal((await sendTls(hook, 'evil.example.com')).outcome, 'tls_certificate');
});

test('a certificate of nobody we trust is refused, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async (t) => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  using endpoint = await tlsEndpoint(hook);
  await using egress = openEgress({ resolve: async () => ['127.0.0.1'] });
  const result = await sendOne(egress, requestTo(`https://hook.example.com:${endpoint.port}`));
  assert.equal(result.kind === 'failure' && result.code, 'tls_certificate');
});

test('plain HTTP on a TLS port is a TLS error, a handshake that stalls ends at the connect limit', async () => {
  await using plain = await rawEndpoint((socket) => socket.once('data', () => socket.write('HTTP/1.1 400 No\r\n\r\n')));
  await using stalled = await rawEndpoint(() => {});
  await using egress = openEgress({ resolve: async () => ['127.0.0.1'], limits: { connectMs: 150 } });
  const code = async (port: number) => {
    const result = await sendOne(egress, requestTo(`https://hook.example.com:${port}`));
    return result.kind === 'failure' && result.code;
  };
  assert.equal(await code(plain.port), 'tls_protocol');
  assert.equal(await code(stalled.port), 'connect_timeout');
});
