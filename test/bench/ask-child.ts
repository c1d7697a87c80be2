import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** A process that answers each message with one message. */
export interface Asked {
  /** Its first message, before any question. */
  first<T>(): Promise<T>;
  /** Sends a message and gives the answer. One at a time: answers bear no names. Rejects when the process ends instead. */
  ask<T>(message: object | string): Promise<T>;
  /** Resolves when it has ended; it ends when its channel is closed. */
  close(): Promise<void>;
}

/** Talks to a forked process, which `name` stands for in errors. */
export function askChild(child: ChildProcess, name: string): Asked {
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the ${name} ended with ${String(code ?? signal)}`);
  });
  // Told to whoever asks it next.
  ended.catch(() => undefined);
  const answer = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown];
    return message;
  };
  let last: Promise<unknown> = Promise.resolve();
  const next = <T>(message: object | string | null): Promise<T> => {
    const answered = last.then(() => {
      const told = answer();
      if (message !== null) child.send(message);
      return told as Promise<T>;
    });
    last = answered.catch(() => undefined);
    return answered;
  };
  return {
    first: () => next(null),
    ask: (message) => next(message),
    async close() {
      if (child.connected) child.disconnect();
      await ended.catch(() => undefined);
    },
  };
}
