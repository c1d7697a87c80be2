import { createSocket } from 'node:dgram';

/**
 * Whether `address` is one of this machine's: asked of the system, which knows more than a list of interfaces does
 * (all of 127.0.0.0/8, for one). Nothing listens and nothing is sent. Undefined: the system could not tell.
 */
export function canBind(address: string): Promise<boolean | undefined> {
  const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EADDRNOTAVAIL' ? false : undefined));
  socket.bind({ address, port: 0, exclusive: true }, () => resolve(true));
  return promise.finally(() => socket.close());
}
