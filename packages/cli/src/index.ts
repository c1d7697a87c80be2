export { CliError, exitCodes } from './cli-error.ts';
export { runCli } from './program.ts';
export { connectionFile, type Connection } from './connection.ts';
export type { CliContext } from './context.ts';
export { startListener, type Listener, type ListenerOptions, type ReceivedRequest } from './listener.ts';
export { openRpc, type Rpc } from './rpc.ts';
export type { ServerTls } from './server-tls.ts';
export { readTopic } from './read-topic.ts';
