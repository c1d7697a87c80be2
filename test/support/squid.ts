import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { choosePorts } from '../../deploy/local/index.ts';
import { accepts, proxyCredentials, type ForwardProxy, type ForwardProxyOptions } from './forward-proxy.ts';
import { startWatched } from './watched-server.ts';

const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
/** Debian's and Fedora's. */
const helpers = ['/usr/lib/squid/basic_ncsa_auth', '/usr/lib64/squid/basic_ncsa_auth'];

/** Where the program and its helper for passwords are; null: not on this machine. */
export function squidBinaries(): { readonly squid: string; readonly helper: string } | null {
  const squid = folders.map((folder) => join(folder, 'squid')).find(existsSync);
  const helper = helpers.find(existsSync);
  return squid === undefined || helper === undefined ? null : { squid, helper };
}

/** Starts a squid on a free port and waits until it answers. */
export async function startSquid({ denied, leavesFrom }: ForwardProxyOptions): Promise<ForwardProxy> {
  const binaries = squidBinaries();
  if (binaries === null) throw new Error('there is no squid on this machine (apt-get install squid)');
  const folder = await mkdtemp(join(tmpdir(), 'squid-'));
  // Started by root it goes on as somebody else.
  await chmod(folder, 0o777);
  const [port] = (await choosePorts(1)) as [number];
  const { username, password } = proxyCredentials;
  const hashed = execFileSync('openssl', ['passwd', '-apr1', password], { encoding: 'utf8' }).trim();
  await writeFile(join(folder, 'passwords'), `${username}:${hashed}\n`);
  const config = join(folder, 'squid.conf');
  await writeFile(config, configOf({ folder, port, helper: binaries.helper, denied, leavesFrom }));
  const args = ['-N', '-f', config];
  const name = `squid on port ${port}`;
  const program = binaries.squid;
  const server = await startWatched({ ...{ program, args, name }, ready: () => accepts(port), timeoutMs: 20_000 });
  return Object.assign(server, {
    ...{ port, username, password },
    async asked() {
      const lines = (await readFile(join(folder, 'access.log'), 'utf8').catch(() => '')).trim().split('\n');
      return lines.flatMap((line) => {
        const [, , , answer, , , target] = line.split(/\s+/);
        // Who connects and asks for nothing is logged too.
        return target === undefined || target.startsWith('error:') ? [] : [`${answer?.split('/')[1]} ${target}`];
      });
    },
    async [Symbol.asyncDispose]() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

interface ConfigOptions extends ForwardProxyOptions {
  readonly folder: string;
  readonly port: number;
  readonly helper: string;
}

const configOf = ({ folder, port, helper, denied, leavesFrom }: ConfigOptions): string => `
http_port 127.0.0.1:${port}
auth_param basic program ${helper} ${folder}/passwords
auth_param basic children 1 startup=1
acl known proxy_auth REQUIRED
acl denied dst ${denied}/32
http_access deny denied
http_access allow known
http_access deny all
tcp_outgoing_address ${leavesFrom}
cache deny all
visible_hostname squid.test
pid_filename none
cache_log ${folder}/cache.log
access_log stdio:${folder}/access.log
buffered_logs off
coredump_dir ${folder}
shutdown_lifetime 0 seconds
`;
