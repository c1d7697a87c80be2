import { connect } from 'node:net';
import type { WatchedServer } from './watched-server.ts';

/** A real forward proxy on loopback that wants credentials; a `restart` leaves it on its port. */
export interface ForwardProxy extends WatchedServer, AsyncDisposable {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** What it was asked for and answered, in the order in which it wrote that down: `200 127.0.0.1:8080`. */
  asked(): Promise<readonly string[]>;
}

/** What the proxy does. */
export interface ForwardProxyOptions {
  /** An address on which it lets nobody in. */
  readonly denied: string;
  /** The address that its own requests leave from. */
  readonly leavesFrom: string;
}

/** What every proxy of a test is told. */
export const proxyCredentials = { username: 'postrider', password: 'open sesame' } as const;

/** Whether something listens on this port of loopback. */
export function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
