import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Behaviour, Receipt } from './receipt.ts';

export interface Receiver extends AsyncDisposable {
  readonly port: number;
  /** The URL of a path, plain http on loopback. */
  url(path: string): string;
  behave(behaviours: Record<string, Behaviour>): Promise<void>;
  /** Something of how these paths behave is different from now on. */
  alter(paths: readonly string[], changes: Partial<Behaviour>): Promise<void>;
  /** Everything received so far, or only what came after the first `from` receipts. */
  receipts(from?: number): Promise<readonly Receipt[]>;
  /** How many requests have been received so far. */
  count(): Promise<number>;
}

type Answer =
  | { kind: 'listening'; port: number }
  | { kind: 'receipts'; receipts: Receipt[] }
  | { kind: 'count'; count: number }
  | { kind: 'done' };

/** Starts the receiver process. Commands are answered one at a time, in order. */
export async function startReceiver(): Promise<Receiver> {
  const child = fork(join(import.meta.dirname, 'receiver-process.ts'), { serialization: 'advanced' });
  const waiting: ((answer: Answer) => void)[] = [];
  const next = () => new Promise<Answer>((resolve) => waiting.push(resolve));
  child.on('message', (answer) => waiting.shift()?.(answer as Answer));
  const ask = async <K extends Answer['kind']>(command: object, kind: K) => {
    const answered = next();
    child.send(command);
    const answer = await answered;
    if (answer.kind !== kind) throw new Error(`receiver answered ${answer.kind} instead of ${kind}`);
    return answer as Extract<Answer, { kind: K }>;
  };
  const first = await next();
  if (first.kind !== 'listening') throw new Error('the receiver did not listen');
  return {
    port: first.port,
    url: (path) => `http://127.0.0.1:${first.port}/${path}`,
    behave: async (behaviours) => void (await ask({ kind: 'behave', behaviours }, 'done')),
    alter: async (paths, changes) => void (await ask({ kind: 'alter', paths, changes }, 'done')),
    receipts: async (from = 0) => (await ask({ kind: 'receipts', from }, 'receipts')).receipts,
    count: async () => (await ask({ kind: 'count' }, 'count')).count,
    [Symbol.asyncDispose]: async () => {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await exited;
    },
  };
}
