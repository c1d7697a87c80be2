import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choosePorts } from '../../deploy/local/index.ts';
import { accepts, proxyCredentials, type ForwardProxy, type ForwardProxyOptions } from './forward-proxy.ts';
import { startWatched } from './watched-server.ts';

/** What the process is told, as its only argument, in JSON. */
export interface ProxyChainTask extends ForwardProxyOptions {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** A line is added to it for each request that was judged. */
  readonly logFile: string;
}

/** Starts a proxy-chain on a free port, as a process of its own, and waits until it answers. */
export async function startProxyChain(options: ForwardProxyOptions): Promise<ForwardProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'proxy-chain-'));
  const [port] = (await choosePorts(1)) as [number];
  const logFile = join(folder, 'asked.log');
  const task: ProxyChainTask = { ...options, ...proxyCredentials, port, logFile };
  const args = [join(import.meta.dirname, 'proxy-chain-process.ts'), JSON.stringify(task)];
  const server = await startWatched({
    ...{ program: process.execPath, args, name: `proxy-chain on port ${port}` },
    ...{ ready: () => accepts(port), timeoutMs: 20_000 },
  });
  return Object.assign(server, {
    ...{ port, ...proxyCredentials },
    async asked() {
      const text = await readFile(logFile, 'utf8').catch(() => '');
      return text.split('\n').filter((line) => line !== '');
    },
    async [Symbol.asyncDispose]() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  });
}
