import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What the sink has seen so far. */
export interface SinkCounts {
  /** Requests read to their end. */
  readonly requests: number;
  /** Connections that are open now. */
  readonly connections: number;
  readonly cpuUs: number;
}

/** The receiver of a benchmark, in a process of its own. */
export interface Sink extends AsyncDisposable {
  readonly port: number;
  readonly isTls: boolean;
  counts(): Promise<SinkCounts>;
}

/** How the sink speaks. */
export interface SinkOptions {
  readonly isTls?: boolean;
  /** One request on each connection. */
  readonly closes?: boolean;
  /** It listens on 127.0.0.1 to 127.0.0.16. */
  readonly isWide?: boolean;
}

/** Starts `sink-process.ts`. */
export async function startSink({ isTls = false, closes = false, isWide = false }: SinkOptions = {}): Promise<Sink> {
  const args = [...(isTls ? ['tls'] : []), ...(closes ? ['close'] : []), ...(isWide ? ['wide'] : [])];
  const child = fork(join(import.meta.dirname, 'sink-process.ts'), args);
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the sink ended with ${String(code ?? signal)}`);
  });
  // Told to whoever asks it next.
  ended.catch(() => undefined);
  const answer = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown];
    return message;
  };
  const { port } = (await answer()) as { port: number };
  let last: Promise<unknown> = Promise.resolve();
  return {
    port,
    isTls,
    counts() {
      // One question at a time: answers bear no names.
      const next = last.then(() => {
        const counts = answer();
        child.send('counts');
        return counts as Promise<SinkCounts>;
      });
      last = next.catch(() => undefined);
      return next;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended.catch(() => undefined);
    },
  };
}
