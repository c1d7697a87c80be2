import { fork } from 'node:child_process';
import { join } from 'node:path';
import { askChild } from './ask-child.ts';

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
  const asked = askChild(fork(join(import.meta.dirname, 'sink-process.ts'), args), 'sink');
  const { port } = await asked.first<{ readonly port: number }>();
  return {
    port,
    isTls,
    counts: () => asked.ask<SinkCounts>('counts'),
    [Symbol.asyncDispose]: () => asked.close(),
  };
}
