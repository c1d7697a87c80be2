import { connect, type Socket } from 'node:net';
import { rawEndpoint, type RawEndpoint } from './support.ts';

/** A forward proxy that does as the test says. */
export interface ScriptedProxy extends RawEndpoint {
  /** The targets that it was asked for, in order. */
  readonly asked: string[];
}

/** What a proxy does with a request to CONNECT; `head` is the request's. */
export type OnConnect = (client: Socket, target: string, head: string) => void;

/** Answers, and lets everything through to the target's port on loopback, wherever the target is said to be. */
export const letThrough: OnConnect = (client, target) => {
  const upstream = connect({ host: '127.0.0.1', port: Number(target.split(':').at(-1)) }, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    client.pipe(upstream).pipe(client);
  });
  upstream.on('error', () => client.destroy());
  // An endpoint's reset stays one.
  upstream.on('close', () => client.resetAndDestroy());
  client.on('close', () => upstream.destroy());
};

/** A proxy on loopback, on a free port or on this one. */
export async function scriptedProxy(onConnect: OnConnect, port = 0): Promise<ScriptedProxy> {
  const asked: string[] = [];
  const endpoint = await rawEndpoint(
    (socket) => {
      let head = '';
      const read = (chunk: Buffer): void => {
        head += chunk.toString('latin1');
        if (!head.includes('\r\n\r\n')) return;
        socket.off('data', read);
        const [, target = ''] = /^CONNECT (\S+) HTTP\/1.1\r\n/.exec(head) ?? [];
        asked.push(target);
        onConnect(socket, target, head);
      };
      socket.on('data', read);
    },
    '127.0.0.1',
    port,
  );
  return Object.assign(endpoint, { asked });
}
