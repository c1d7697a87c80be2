/** Real sockets on loopback; the server beyond the proxy answers every byte with itself, or frames as a broker would. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { openFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { apiKey, withCommitError, withHeartbeatError } from './kafka-frames.ts';
import { waitFor } from './wait-for.ts';

/** A server that sends back what it gets, and counts it. */
async function startEcho(): Promise<AsyncDisposable & { readonly port: number; readonly received: number }> {
  let received = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      received += bytes.length;
      socket.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get received() {
      return received;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

interface Client {
  readonly socket: Socket;
  readonly got: Buffer[];
  readonly gone: () => boolean;
}

async function dial({ port }: { readonly port: number }): Promise<Client> {
  const socket = connect(port, '127.0.0.1');
  const got: Buffer[] = [];
  let gone = false;
  socket.on('data', (bytes: Buffer) => got.push(bytes));
  socket.on('error', () => {});
  socket.on('close', () => (gone = true));
  // A reset may come before the connection is known to stand.
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  return { socket, got, gone: () => gone };
}

const text = ({ got }: Client) => Buffer.concat(got).toString();
const answered = (client: Client, wanted: string) =>
  waitFor(() => text(client) === wanted, { what: `the answer ${wanted}` });

async function withEcho(use: (proxy: FaultProxy, echo: { readonly received: number }) => Promise<void>): Promise<void> {
  await using echo = await startEcho();
  await using proxy = await openFaultProxy({ targetPort: echo.port });
  await use(proxy, echo);
}

test('without a fault everything passes, and the end of one side ends the other', () =>
  withEcho(async (proxy) => {
    const client = await dial(proxy);
    client.socket.write('hello');
    await answered(client, 'hello');
    assert.equal(proxy.connections, 1);
    client.socket.end();
    await waitFor(() => client.gone() && proxy.connections === 0, { what: 'both sides to close' });
  }));

test('a slow edge delays each answer and keeps to its bytes a second', () =>
  withEcho(async (proxy) => {
    const client = await dial(proxy);
    proxy.set({ kind: 'slow', latencyMs: 80, bytesPerSecond: 10_000 });
    const began = performance.now();
    client.socket.write(Buffer.alloc(1_000, 'x'));
    await waitFor(() => text(client).length === 1_000, { what: 'the answer' });
    // 100 ms there, 100 ms back, 80 ms of latency.
    assert.ok(performance.now() - began >= 275, `${performance.now() - began} ms`);
  }));

test('down: what stands is reset, what comes is reset, and afterwards all is well', () =>
  withEcho(async (proxy) => {
    const before = await dial(proxy);
    proxy.set({ kind: 'down' });
    await waitFor(before.gone, { what: 'the reset' });
    const during = await dial(proxy);
    await waitFor(during.gone, { what: 'the reset of a new connection' });
    proxy.set({ kind: 'none' });
    const after = await dial(proxy);
    after.socket.write('back');
    await answered(after, 'back');
  }));

test('a blackhole passes nothing, tells nobody, and what was sent meanwhile arrives late', () =>
  withEcho(async (proxy, echo) => {
    const client = await dial(proxy);
    client.socket.write('a');
    await answered(client, 'a');
    proxy.set({ kind: 'blackhole' });
    client.socket.write('b');
    const other = await dial(proxy);
    other.socket.write('c');
    await waitFor(() => client.socket.writableLength === 0, { what: 'the bytes to leave' });
    assert.equal(echo.received, 1);
    assert.equal(client.gone(), false);
    proxy.set({ kind: 'none' });
    await answered(client, 'ab');
    await answered(other, 'c');
  }));

test('unheard: what clients send does not arrive, what is on its way back does', () =>
  withEcho(async (proxy, echo) => {
    const client = await dial(proxy);
    client.socket.write('a');
    await waitFor(() => echo.received === 1, { what: 'the first byte' });
    proxy.set({ kind: 'unheard' });
    await answered(client, 'a');
    client.socket.write('b');
    await waitFor(() => client.socket.writableLength === 0, { what: 'the byte to leave' });
    assert.equal(echo.received, 1);
    assert.equal(client.gone(), false);
    proxy.cut();
    await waitFor(client.gone, { what: 'the reset' });
    assert.equal(echo.received, 1);
  }));

test('half-open: requests arrive, answers do not, and the connection is reset in the end', () =>
  withEcho(async (proxy, echo) => {
    const client = await dial(proxy);
    proxy.set({ kind: 'half-open' });
    client.socket.write('request');
    await waitFor(() => echo.received === 7, { what: 'the request' });
    assert.equal(text(client), '');
    proxy.set({ kind: 'none' });
    await waitFor(client.gone, { what: 'the reset' });
    assert.equal(text(client), '');
  }));

test('nobody behind the proxy: the client is reset', async () => {
  await using proxy = await openFaultProxy({ targetPort: 1 });
  const client = await dial(proxy);
  await waitFor(client.gone, { what: 'the reset' });
});

/** A request whose echo reads as its own answer: the correlation id is what the first four bytes of its header say. */
function request(key: number, correlationId: number): Buffer {
  const frame = Buffer.alloc(16);
  frame.writeInt32BE(12, 0);
  frame.writeInt16BE(key, 4);
  frame.writeInt16BE(correlationId & 0xffff, 6);
  frame.writeInt32BE(frame.readInt32BE(4), 8);
  return frame;
}

test('answers of a broker are judged one by one: passed, held, lost or changed', async () => {
  await using echo = await startEcho();
  await using proxy = await openFaultProxy({ targetPort: echo.port, kafka: true });
  await using plain = await openFaultProxy({ targetPort: echo.port });
  assert.throws(() => plain.set({ kind: 'answers', judge: () => 'pass' }), /only a proxy of a broker/);
  const client = await dial(proxy);
  const changed = Buffer.from([0, 0, 0, 1, 42]);
  proxy.set({
    kind: 'answers',
    judge: (answer) =>
      answer.apiKey === apiKey.produce
        ? 'lose'
        : answer.apiKey === apiKey.fetch
          ? 'hold'
          : answer.apiKey === apiKey.heartbeat
            ? changed
            : 'pass',
  });
  const [produce, fetch, heartbeat, other] = [apiKey.produce, apiKey.fetch, apiKey.heartbeat, 3].map((key) =>
    request(key, 1),
  ) as [Buffer, Buffer, Buffer, Buffer];
  // Cut in the middle of a frame: frames are put together again.
  const all = Buffer.concat([produce, fetch, heartbeat, other]);
  client.socket.write(all.subarray(0, 21));
  await waitFor(() => echo.received === 16, { what: 'the first frame' });
  client.socket.write(all.subarray(21));
  const soon = Buffer.concat([changed, other]);
  await waitFor(() => Buffer.concat(client.got).equals(soon), { what: 'what passes' });
  proxy.set({ kind: 'none' });
  await waitFor(() => Buffer.concat(client.got).equals(Buffer.concat([soon, fetch])), { what: 'what was held' });
});

test('errors are written where heartbeat and commit answers have them', () => {
  const heartbeat = Buffer.from([0, 0, 0, 10, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0]);
  const said = withHeartbeatError({ apiKey: 12, apiVersion: 3, connection: 1, frame: heartbeat }, 25);
  assert.equal(said.readInt16BE(12), 25);
  assert.equal(
    withHeartbeatError({ apiKey: 12, apiVersion: 0, connection: 1, frame: heartbeat }, 27).readInt16BE(8),
    27,
  );

  const topic = (name: string, partitions: number[]) =>
    Buffer.concat([
      Buffer.from([0, name.length]),
      Buffer.from(name),
      Buffer.from([0, 0, 0, partitions.length]),
      ...partitions.map((partition) => Buffer.from([0, 0, 0, partition, 0, 0])),
    ]);
  const body = Buffer.concat([Buffer.from([0, 0, 0, 2]), topic('ab', [0, 1]), topic('c', [5])]);
  const commit = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0]), body]);
  const refused = withCommitError({ apiKey: 8, apiVersion: 5, connection: 1, frame: commit }, 16);
  const expected = Buffer.concat([
    commit.subarray(0, 12),
    Buffer.from([0, 0, 0, 2, 0, 2, 97, 98, 0, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, 0, 0, 1, 0, 16]),
    Buffer.from([0, 1, 99, 0, 0, 0, 1, 0, 0, 0, 5, 0, 16]),
  ]);
  assert.deepEqual(refused, expected);
});
