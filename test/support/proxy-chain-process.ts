/** A forward proxy with credentials, as `startProxyChain` starts it. */
import { appendFileSync } from 'node:fs';
import { RequestError, Server } from 'proxy-chain';
import type { ProxyChainTask } from './proxy-chain.ts';

const task = JSON.parse(process.argv[2] ?? '') as ProxyChainTask;
const { port, denied, leavesFrom, logFile } = task;

const server = new Server({
  port,
  host: '127.0.0.1',
  prepareRequestFunction({ hostname, port: target, username, password }) {
    const isKnown = username === task.username && password === task.password;
    const status = hostname === denied ? 403 : isKnown ? 200 : 407;
    appendFileSync(logFile, `${status} ${hostname}:${target}\n`);
    if (status === 403) throw new RequestError('Nobody is let in there.', 403);
    return { requestAuthentication: status === 407, localAddress: leavesFrom };
  },
});
await server.listen();
