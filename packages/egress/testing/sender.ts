import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { EgressResult } from '../src/index.ts';

/** What the sender is asked. */
export type Question =
  | { readonly kind: 'send'; readonly origin: string; readonly poolKey: string; readonly bodyBytes: number }
  | { readonly kind: 'usage' };

/** What the sender's process has used. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** The most since the question before. */
  readonly rssPeakBytes: number;
  /** After a collection of garbage. */
  readonly heapBytes: number;
  /** Addresses that connections were opened to. */
  readonly dialled: readonly string[];
}

/** The door to the internet with its default limits, in a process of its own: so its memory and CPU are nobody else's. */
export interface Sender extends AsyncDisposable {
  send(origin: string, options?: { readonly poolKey?: string; readonly bodyBytes?: number }): Promise<EgressResult>;
  usage(): Promise<Usage>;
}

/** Starts `sender-process.ts`, in a network namespace if one is named. */
export async function startSender(namespace?: string): Promise<Sender> {
  const file = join(import.meta.dirname, 'sender-process.ts');
  const child = namespace === undefined ? forked(file) : inNamespace(namespace, file);
  const waiting = new Map<number, (answer: unknown) => void>();
  let failed: Error | undefined;
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  child.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  child.on('exit', (code, signal) => {
    failed = new Error(`the sender ended with ${String(code ?? signal)}`);
    ended.reject(failed);
  });
  let asked = 0;
  const ask = (question: Question): Promise<unknown> => {
    if (failed !== undefined) return Promise.reject(failed);
    const id = ++asked;
    const answered = new Promise((resolve) => waiting.set(id, resolve));
    child.send({ id, question });
    return Promise.race([answered, ended.promise]);
  };
  await ask({ kind: 'usage' });
  return {
    send: (origin, { poolKey = origin, bodyBytes = 10 } = {}) =>
      ask({ kind: 'send', origin, poolKey, bodyBytes }) as Promise<EgressResult>,
    usage: () => ask({ kind: 'usage' }) as Promise<Usage>,
    async [Symbol.asyncDispose]() {
      if (failed !== undefined) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

const execArgv = ['--expose-gc'];

function forked(file: string): ChildProcess {
  return fork(file, { serialization: 'advanced', execArgv });
}

function inNamespace(namespace: string, file: string): ChildProcess {
  return spawn('ip', ['netns', 'exec', namespace, process.execPath, ...execArgv, file], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
}
