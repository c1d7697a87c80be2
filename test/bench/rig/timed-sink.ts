import { fork } from 'node:child_process';
import { join } from 'node:path';
import { askChild } from '../ask-child.ts';
import type { Arrivals } from './arrivals.ts';

/** How an endpoint behaves: answers after a while, or takes requests and never answers. */
export type Behaviour =
  | { readonly kind: 'answer'; readonly status: number; readonly delayMs: number }
  | { readonly kind: 'hang' };

export type SinkCommand =
  | { readonly kind: 'behave'; readonly endpoints: readonly number[]; readonly behaviour: Behaviour }
  | { readonly kind: 'counts' }
  | { readonly kind: 'take' };

export interface SinkCounts {
  readonly requests: number;
  /** Requests that no load has sent. */
  readonly unstamped: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Requests that are kept since the last `take`. */
  readonly kept: number;
  readonly cpuUs: number;
}

/** The endpoints of a bench, in a process of their own. */
export interface TimedSink extends AsyncDisposable {
  readonly port: number;
  behave(endpoints: readonly number[], behaviour: Behaviour): Promise<void>;
  counts(): Promise<SinkCounts>;
  /** What has arrived since the last call. */
  take(): Promise<Arrivals>;
}

/** Starts `timed-sink-process.ts`. */
export async function startTimedSink(): Promise<TimedSink> {
  const child = fork(join(import.meta.dirname, 'timed-sink-process.ts'), { serialization: 'advanced' });
  const asked = askChild(child, 'sink');
  const ask = <T>(command: SinkCommand): Promise<T> => asked.ask<T>(command);
  const { port } = await asked.first<{ readonly port: number }>();
  return {
    port,
    behave: async (endpoints, behaviour) => void (await ask({ kind: 'behave', endpoints, behaviour })),
    counts: () => ask<SinkCounts>({ kind: 'counts' }),
    take: () => ask<Arrivals>({ kind: 'take' }),
    [Symbol.asyncDispose]: () => asked.close(),
  };
}
