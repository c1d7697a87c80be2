import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choosePorts } from '../../deploy/local/index.ts';
import { redisBinary } from './redis-binary.ts';
import { startWatched, type WatchedServer } from './watched-server.ts';

/** A real Redis on loopback that keeps nothing on disk: after a `restart` it is empty, on the same port. */
export interface TestRedis extends WatchedServer, AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** How a test's Redis differs from one with its defaults. */
export interface TestRedisOptions {
  readonly password?: string;
  /** Further arguments of `redis-server`. */
  readonly args?: readonly string[];
  /** The server's program; by default the machine's, else one that is fetched. */
  readonly binary?: string;
}

/** Starts a Redis on a free port and waits until it answers. */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const { password, args = [], binary = await redisBinary() } = options;
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const [port] = (await choosePorts(1)) as [number];
  const login = password === undefined ? [] : ['--requirepass', password];
  const all = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...login, ...args];
  const name = `Redis on port ${port}`;
  const server = await startWatched({
    ...{ program: binary, args: all, name },
    ready: () => answers(port),
    timeoutMs: 10_000,
  });
  return Object.assign(server, {
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

/** Whether something there speaks Redis: it may say that it wants a password. */
function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
  socket.once('data', (text) => resolve(/^[+-]/.test(text.toString())));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
