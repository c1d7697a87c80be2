import { startListener, type ReceivedRequest } from '@postrider/cli';
import { createInbox, type Inbox } from './inbox.ts';

/** A customer's server, as far as the story needs one. */
export interface Receiver extends AsyncDisposable {
  readonly requests: Inbox<ReceivedRequest>;
  /** From now on, requests are told here. */
  onLater(listener: (request: ReceivedRequest) => void): void;
}

/** Starts a receiver on loopback that answers `status` and checks signatures with the official verifier. */
export async function startReceiver(
  port: number,
  secret: string,
  status: number,
  signal: AbortSignal,
): Promise<Receiver> {
  const requests = createInbox<ReceivedRequest>(signal);
  let tell = requests.push;
  const listener = await startListener({
    host: '127.0.0.1',
    port,
    secret,
    status,
    delayMs: 0,
    failFirst: 0,
    onRequest: (request) => tell(request),
  });
  return {
    requests,
    onLater(later) {
      tell = later;
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}
