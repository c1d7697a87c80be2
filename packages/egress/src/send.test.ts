import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { connect as connectTcp, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { nameServer } from '../testing/name-server.ts';
import {
  answering,
  laptopPolicy,
  onRequest,
  openEgress,
  rawEndpoint,
  realClock,
  requestTo,
  sendOne,
} from '../testing/support.ts';
import { createEgress, createPolicy, targetOf, type EgressResult } from './index.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const okEmpty = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

function failed(result: EgressResult): string {
  return result.kind === 'failure' ? `${result.code} ${result.owner}` : `response ${result.status}`;
}

test('the request leaves exactly as given, and the answer comes back as data', async () => {
  await using endpoint = await answering(
    'HTTP/1.1 202 Sure\r\nX-Request-Id: r1\r\nset-cookie: a\r\nset-cookie: b\r\nx-raw: \xe9\r\ncontent-length: 5\r\n\r\nhello',
  );
  await using egress = openEgress();
  const { origin, path } = targetOf(new URL(`${endpoint.origin}/hook/a?b=c%20d`));
  const body = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);
  const headers = ['content-type', 'application/json', 'webhook-id', 'msg_1', 'X-Mixed', 'Case'];
  const result = await sendOne(egress, requestTo(origin, { path, headers, body }));
  assert.equal(
    endpoint.received(),
    `POST /hook/a?b=c%20d HTTP/1.1\r\nhost: 127.0.0.1:${endpoint.port}\r\nconnection: keep-alive\r\n` +
      'content-type: application/json\r\nwebhook-id: msg_1\r\nX-Mixed: Case\r\ncontent-length: 4\r\n\r\n' +
      body.toString('latin1'),
  );
  assert.ok(result.kind === 'response');
  const { timings, ...rest } = result;
  assert.deepEqual(rest, {
    kind: 'response',
    status: 202,
    headers: ['x-request-id', 'r1', 'set-cookie', 'a', 'set-cookie', 'b', 'x-raw', '\xe9', 'content-length', '5'],
    excerpt: Buffer.from('hello'),
    bodyTruncated: false,
    excerptTruncated: false,
    sourceAddress: '127.0.0.1',
    remoteAddress: '127.0.0.1',
  });
  assert.ok((timings.connectMs ?? -1) >= 0 && (timings.firstByteMs ?? -1) >= (timings.connectMs ?? 0));
  assert.ok(timings.totalMs >= (timings.firstByteMs ?? Infinity));
});

test('an empty body is sent as one', async () => {
  await using endpoint = await answering(okEmpty);
  await using egress = openEgress();
  assert.equal(failed(await sendOne(egress, requestTo(endpoint.origin, { body: Buffer.alloc(0) }))), 'response 200');
  assert.match(endpoint.received(), /content-length: 0\r\n\r\n$/);
});

test('a connection is kept for the next request of the same endpoint, and told by the missing connect time', async () => {
  await using endpoint = await answering(ok);
  await using egress = openEgress();
  const connects = [];
  for (let index = 0; index < 3; index++)
    connects.push((await sendOne(egress, requestTo(endpoint.origin))).timings.connectMs !== undefined);
  assert.deepEqual([connects, endpoint.accepts()], [[true, false, false], 1]);
});

test('two endpoints with the same origin share no connection', async () => {
  await using endpoint = await answering(ok);
  await using egress = openEgress();
  for (const poolKey of ['a/1', 'b/1', 'a/1', 'b/1']) await sendOne(egress, requestTo(endpoint.origin, { poolKey }));
  assert.equal(endpoint.accepts(), 2);
});

test('an endpoint whose URL changed gets new connections and the old ones are closed', async () => {
  const closed = Promise.withResolvers<void>();
  await using old = await rawEndpoint((socket) => {
    onRequest(socket, () => socket.write(ok));
    socket.on('close', () => closed.resolve());
  });
  await using new_ = await answering(ok);
  await using egress = openEgress();
  await sendOne(egress, requestTo(old.origin));
  await sendOne(egress, requestTo(new_.origin));
  await closed.promise;
  assert.deepEqual([old.accepts(), new_.accepts()], [1, 1]);
});

test('no more connections than allowed, no more than one request on each, and the rest wait in order', async () => {
  const open: { socket: Socket; request: string }[] = [];
  const arrived = new EventTarget();
  await using endpoint = await rawEndpoint((socket) =>
    onRequest(socket, (request) => {
      open.push({ socket, request });
      arrived.dispatchEvent(new Event('request'));
    }),
  );
  await using egress = openEgress();
  const results = Array.from({ length: 10 }, (_, index) =>
    sendOne(egress, requestTo(endpoint.origin, { path: `/${index}`, maxSockets: 3 })),
  );
  const paths: string[] = [];
  for (let done = 0; done < 10; done++) {
    while (open.length < Math.min(3, 10 - done))
      await new Promise((resolve) => arrived.addEventListener('request', resolve, { once: true }));
    assert.equal(new Set(open.map(({ socket }) => socket)).size, open.length, 'two requests at once on one connection');
    assert.ok(open.length <= 3);
    const next = open.shift();
    paths.push(/POST \/(\d)/.exec(next?.request ?? '')?.[1] ?? '');
    next?.socket.write(ok);
  }
  await Promise.all(results);
  assert.equal(endpoint.accepts(), 3);
  assert.deepEqual(paths, [...paths].toSorted());
});

test('a send from inside a result uses the connection that has just become free', async () => {
  await using endpoint = await answering(ok);
  await using egress = openEgress();
  await new Promise<void>((resolve) => {
    let left = 50;
    const next = (): void => {
      if (left-- === 0) return resolve();
      egress.send(requestTo(endpoint.origin, { maxSockets: 16 }), next);
    };
    next();
  });
  assert.equal(endpoint.accepts(), 1);
});

test('a connection that broke is replaced, and waiting requests go on', async () => {
  await using endpoint = await rawEndpoint((socket, connection) =>
    onRequest(socket, () => (connection === 1 ? socket.resetAndDestroy() : socket.write(ok))),
  );
  await using egress = openEgress();
  const results = await Promise.all(
    [1, 2, 3].map(() => sendOne(egress, requestTo(endpoint.origin, { maxSockets: 1 }))),
  );
  assert.deepEqual(results.map(failed), ['connection_reset endpoint', 'response 200', 'response 200']);
});

test('a failed request is never sent a second time by itself', async () => {
  await using endpoint = await rawEndpoint((socket, connection) =>
    onRequest(socket, (_, number) => (connection === 1 && number === 1 ? socket.write(ok) : socket.resetAndDestroy())),
  );
  await using egress = openEgress();
  for (let index = 0; index < 3; index++)
    await sendOne(egress, requestTo(endpoint.origin, { path: `/${index}`, maxSockets: 1 }));
  assert.deepEqual(endpoint.received().match(/POST \/\d/g), ['POST /0', 'POST /1', 'POST /2']);
});

test('nobody listening is a refused connection', async () => {
  const endpoint = await answering(ok);
  await endpoint[Symbol.asyncDispose]();
  await using egress = openEgress();
  assert.equal(failed(await sendOne(egress, requestTo(endpoint.origin))), 'connection_refused endpoint');
});

test('a URL that the policy refuses is refused here too, before any connection', async () => {
  await using endpoint = await answering(ok);
  await using egress = openEgress({ policy: createPolicy({ allowHttp: true, ports: 'any' }) });
  for (const origin of [
    endpoint.origin,
    `http://localhost:${endpoint.port}`,
    `ftp://127.0.0.1:${endpoint.port}`,
    'nonsense',
  ]) {
    assert.equal(failed(await sendOne(egress, requestTo(origin))), 'blocked_url endpoint');
  }
  assert.equal(endpoint.accepts(), 0);
});

test('localhost is reached on a laptop without asking a name server', async () => {
  await using endpoint = await answering(ok);
  await using egress = openEgress({ resolve: () => Promise.reject(new Error('asked')) });
  assert.equal(failed(await sendOne(egress, requestTo(`http://localhost:${endpoint.port}`))), 'response 200');
});

test('a request whose time is over while no name is answered failed by our own fault, and by its endpoint’s while others are', async () => {
  await using endpoint = await answering(ok);
  const loopback = { records: [Buffer.from([127, 0, 0, 1])] };
  let silent = true;
  using names = await nameServer((name) => (silent || name.startsWith('dark') ? undefined : loopback));
  await using egress = openEgress({ nameServers: names.servers, limits: { totalMinMs: 50, resolveMs: 200 } });
  const send = (name: string) => {
    const origin = `http://${name}.example.com:${endpoint.port}`;
    return sendOne(egress, requestTo(origin, { totalDeadlineMs: 100, poolKey: `tenant/${name}` }));
  };
  assert.equal(failed(await send('dark')), 'dns_timeout ours');
  silent = false;
  assert.equal(failed(await send('bright')), 'response 200');
  assert.equal(failed(await send('dark-too')), 'total_timeout endpoint');
});

test('a result never comes before send has returned', async () => {
  await using endpoint = await answering(ok);
  await using egress = openEgress({ policy: laptopPolicy });
  await sendOne(egress, requestTo(endpoint.origin));
  for (const more of [{ path: 'x' }, { headers: ['host', 'x'] }, { origin: 'nonsense' }, { mayStart: () => false }]) {
    let returned = false;
    await new Promise<void>((resolve) => {
      egress.send(requestTo(endpoint.origin, more), () => {
        assert.ok(returned);
        resolve();
      });
      returned = true;
    });
  }
});

test('the fence is asked after the connection is there and right before the first byte', async () => {
  await using endpoint = await answering(ok);
  const connected: Socket[] = [];
  const dial = (host: string, port: number): Socket => {
    const socket = connectTcp({ host, port });
    return socket.once('connect', () => connected.push(socket));
  };
  await using egress = openEgress({ dial });
  const asked: (readonly [number, number])[] = [];
  const mayStart = (): boolean => {
    asked.push([connected.length, connected[0]?.bytesWritten ?? -1]);
    return false;
  };
  assert.equal(failed(await sendOne(egress, requestTo(endpoint.origin, { mayStart }))), 'aborted shutdown');
  assert.deepEqual(asked, [[1, 0]]);
  assert.equal(failed(await sendOne(egress, requestTo(endpoint.origin, { mayStart: () => true }))), 'response 200');
  assert.equal(endpoint.received().match(/POST/g)?.length, 1);
});

test('the deadline also ends what is still waiting for a connection, and what is being connected', async () => {
  await using endpoint = await rawEndpoint(() => {});
  const limits = { totalMinMs: 10 };
  await using egress = openEgress({ limits });
  const [held, waiting] = await Promise.all([
    sendOne(egress, requestTo(endpoint.origin, { maxSockets: 1, totalDeadlineMs: 300 })),
    sendOne(egress, requestTo(endpoint.origin, { maxSockets: 1, totalDeadlineMs: 100 })),
  ]);
  assert.deepEqual([held, waiting].map(failed), ['total_timeout endpoint', 'total_timeout endpoint']);
  await using slow = openEgress({ limits, resolve: () => new Promise(() => {}) });
  assert.equal(
    failed(await sendOne(slow, requestTo('http://hook.example.com', { totalDeadlineMs: 100 }))),
    'total_timeout endpoint',
  );
  assert.equal(egress.inFlight() + slow.inFlight(), 0);
});

test('a deadline beyond the limits is clamped', async () => {
  await using endpoint = await rawEndpoint(() => {});
  await using egress = openEgress({ limits: { totalMinMs: 50, totalMaxMs: 150 } });
  const [long, short] = await Promise.all([
    sendOne(egress, requestTo(endpoint.origin, { totalDeadlineMs: 3_600_000 })),
    sendOne(egress, requestTo(endpoint.origin, { totalDeadlineMs: 0 })),
  ]);
  assert.deepEqual(
    [long, short].map((result) => result.kind === 'failure' && result.message),
    ['not over after 150 ms', 'not over after 50 ms'],
  );
});

test('Retry-After is handed on as sent, two of them as no valid value', async () => {
  await using endpoint = await answering('HTTP/1.1 429 No\r\nRetry-After: 30\r\ncontent-length: 0\r\n\r\n');
  await using twice = await answering(
    'HTTP/1.1 429 No\r\nretry-after: 1\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n',
  );
  await using egress = openEgress();
  const retryAfter = async (origin: string) => {
    const result = await sendOne(egress, requestTo(origin));
    return result.kind === 'response' && result.retryAfter;
  };
  assert.deepEqual([await retryAfter(endpoint.origin), await retryAfter(twice.origin)], ['30', '1, 2']);
});

test('an excerpt of 4 KiB is kept of a longer body; beyond 64 KiB nothing is read, which breaks off what said no length', async () => {
  const shape = async (bytes: number, framing = `content-length: ${bytes}\r\n`) => {
    await using endpoint = await answering(`HTTP/1.1 200 OK\r\n${framing}\r\n${'a'.repeat(bytes)}`);
    await using egress = openEgress();
    const result = await sendOne(egress, requestTo(endpoint.origin));
    return result.kind === 'response' && [result.excerpt.length, result.excerptTruncated, result.bodyTruncated];
  };
  assert.deepEqual(await shape(4_096), [4_096, false, false]);
  assert.deepEqual(await shape(65_536), [4_096, true, false]);
  assert.deepEqual(await shape(65_537), [4_096, true, false]);
  assert.deepEqual(await shape(65_537, ''), [4_096, true, true]);
});

test('closing lets what is in flight end, refuses what comes after, and leaves no connection', async () => {
  const requests: Socket[] = [];
  const closed = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  await using endpoint = await rawEndpoint((socket) => {
    socket.on('close', () => closed.resolve());
    onRequest(socket, () => {
      requests.push(socket);
      arrived.resolve();
    });
  });
  const egress = createEgress({ policy: laptopPolicy, clock: realClock });
  const inFlight = sendOne(egress, requestTo(endpoint.origin));
  await arrived.promise;
  const closing = egress.close({ graceMs: 5_000 });
  assert.equal(failed(await sendOne(egress, requestTo(endpoint.origin))), 'aborted shutdown');
  requests[0]?.write(ok);
  assert.equal(failed(await inFlight), 'response 200');
  await closing;
  await closed.promise;
});

test('closing gives up what is not over in time as a shutdown’s doing, wherever it stands', async () => {
  await using endpoint = await rawEndpoint(() => {});
  const egress = createEgress({ policy: laptopPolicy, clock: realClock, resolve: () => new Promise(() => {}) });
  const results = [
    sendOne(egress, requestTo(endpoint.origin, { maxSockets: 1 })),
    sendOne(egress, requestTo(endpoint.origin, { maxSockets: 1 })),
    sendOne(egress, requestTo('http://hook.example.com', { poolKey: 'named' })),
  ];
  await egress.close({ graceMs: 50 });
  assert.deepEqual((await Promise.all(results)).map(failed), Array(3).fill('aborted shutdown'));
  assert.equal(egress.inFlight(), 0);
});

test('an exception of the caller is not swallowed and not taken for a broken answer', async () => {
  // In a process of its own: an uncaught exception in this one would fail the test runner.
  const program = `
    import { promisify } from 'node:util';
import { answering, openEgress, requestTo, sendOne } from '../testing/support.ts';
    const endpoint = await answering(${JSON.stringify(ok)});
    const egress = openEgress();
    let results = 0;
    process.once('uncaughtException', async (error) => {
      const next = await sendOne(egress, requestTo(endpoint.origin));
      process.stdout.write(JSON.stringify([error.message, results, next.status]));
      process.exit();
    });
    egress.send(requestTo(endpoint.origin), () => { results++; throw new Error('bug of the caller'); });`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program], {
    cwd: import.meta.dirname,
  });
  assert.deepEqual(JSON.parse(stdout), ['bug of the caller', 1, 200]);
});

test('connections and endpoints are bounded: those longest unused go first', async () => {
  let open = 0;
  let most = 0;
  await using endpoint = await rawEndpoint((socket) => {
    most = Math.max(most, ++open);
    socket.on('close', () => open--);
    onRequest(socket, () => socket.write(ok));
  });
  await using egress = openEgress({ limits: { socketsMax: 8, endpointsMax: 100 } });
  for (let index = 0; index < 50; index++) {
    assert.equal(failed(await sendOne(egress, requestTo(endpoint.origin, { poolKey: `t/${index}` }))), 'response 200');
  }
  assert.ok(most <= 9, `${most} connections at once`);
  assert.ok(egress.connections() <= 8);
  await using few = openEgress({ limits: { endpointsMax: 4 } });
  for (let index = 0; index < 20; index++) {
    const reused =
      (await sendOne(few, requestTo(endpoint.origin, { poolKey: 'often' }))).timings.connectMs === undefined;
    assert.equal(reused, index > 0, `request ${index}`);
    await sendOne(few, requestTo(endpoint.origin, { poolKey: `t/${index}` }));
  }
  assert.ok(few.connections() <= 5, `${few.connections()} connections`);
});

test('the limit of response headers is ours, not the default of the client', async () => {
  await using endpoint = await answering(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(3_000)}\r\ncontent-length: 0\r\n\r\n`);
  await using tight = openEgress({ limits: { responseHeaderBytes: 2_048 } });
  assert.equal(failed(await sendOne(tight, requestTo(endpoint.origin))), 'headers_too_large endpoint');
  await using wide = openEgress();
  assert.equal(failed(await sendOne(wide, requestTo(endpoint.origin))), 'response 200');
});

test('a proxy in the environment is ignored', async (t) => {
  await using proxy = await answering(ok);
  await using endpoint = await answering(okEmpty);
  const names = ['HTTP_PROXY', 'http_proxy', 'NODE_USE_ENV_PROXY'];
  t.after(() => names.forEach((name) => delete process.env[name]));
  for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxy.origin;
  await using egress = openEgress();
  assert.equal(failed(await sendOne(egress, requestTo(endpoint.origin))), 'response 200');
  assert.equal(proxy.accepts(), 0);
});
