import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';

/** On which Node tells of each HTTP/2 stream of a server that has closed. */
const CHANNEL = 'http2.server.stream.close';

/**
 * Has the HTTP/2 streams of this process's servers name nothing any more once all have heard of their end, until it is disposed
 * of; those that are torn down with their connection are let be. Node keeps the
 * streams of a connection in a `Map`, and the tables that it outgrew name one another until all of memory is collected: by them
 * each closed stream outlives many collections of young memory, and by its listeners all that its call was made of
 * (docs/adr/0058).
 */
export function emptyClosedStreams(): Disposable {
  subscribe(CHANNEL, onClose);
  return { [Symbol.dispose]: () => void unsubscribe(CHANNEL, onClose) };
}

function onClose(message: unknown): void {
  const { stream } = message as { readonly stream: EventEmitter };
  // Its other listeners are called before this one, the last.
  stream.once('close', () => void stream.removeAllListeners());
}
