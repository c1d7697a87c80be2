import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choosePorts } from '../../deploy/local/index.ts';
import { redisBinary } from './redis-binary.ts';
import { waitFor } from './wait-for.ts';

/** A real Redis on loopback that keeps nothing on disk and does not outlive this process. */
export interface TestRedis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Of the present process, or of the last one. */
  readonly pid: number;
  /** It hangs: connections stay, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** It is gone, and refuses connections. */
  kill(): Promise<void>;
  /** It is there again after `kill`, empty, on the same port. */
  restart(): Promise<void>;
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
  let server = await launch(binary, all, port);
  return {
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid;
    },
    freeze: () => void process.kill(server.pid, 'SIGSTOP'),
    thaw: () => void process.kill(server.pid, 'SIGCONT'),
    kill: () => server.kill(),
    async restart() {
      server = await launch(binary, all, port);
    },
    async [Symbol.asyncDispose]() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Server {
  readonly pid: number;
  kill(): Promise<void>;
}

/** The shell ends the server when its input closes, which it does when this process is gone, however it went. */
const watched = '"$@" >/dev/null & echo $!; cat >/dev/null; kill -9 $!; wait 2>/dev/null';

async function launch(binary: string, args: readonly string[], port: number): Promise<Server> {
  const shell = spawn('sh', ['-c', watched, 'sh', binary, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = once(shell, 'close');
  const [said] = (await once(shell.stdout, 'data')) as [Buffer];
  shell.stdout.resume();
  await waitFor(() => answers(port), { what: `Redis on port ${port} to answer`, timeoutMs: 10_000 });
  return {
    pid: Number(said.toString()),
    async kill() {
      shell.stdin.end();
      await gone;
    },
  };
}

/** Whether something there speaks Redis: it may say that it wants a password. */
function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
  socket.once('data', (text) => resolve(/^[+-]/.test(text.toString())));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
