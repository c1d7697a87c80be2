import { fork } from 'node:child_process';
import { join } from 'node:path';
import { askChild } from '../ask-child.ts';
import type { LoadPlan, LoadTold } from './load-plan.ts';

export type LoadCommand =
  | { readonly kind: 'plan'; readonly plan: LoadPlan }
  | { readonly kind: 'start'; readonly startAt: number; readonly outstandingMax?: number }
  | { readonly kind: 'arrived'; readonly arrived: number }
  | { readonly kind: 'end' };

/** Who asks for deliveries, in a process of its own. */
export interface BenchLoad extends AsyncDisposable {
  readonly pid: number;
  /** Begins; `startAt` (`monotonicMs`) is where second 0 of the plan is. With a bound it waits for arrivals. */
  start(startAt: number, outstandingMax?: number): Promise<void>;
  /** Tells what has arrived; gives what has been written. */
  arrived(count: number): Promise<number>;
  /** Resolves when everything of the plan is written and acknowledged. */
  end(): Promise<LoadTold>;
}

/** Starts `load-process.ts`. */
export async function startBenchLoad(plan: LoadPlan): Promise<BenchLoad> {
  const child = fork(join(import.meta.dirname, 'load-process.ts'), { serialization: 'advanced' });
  const asked = askChild(child, 'load');
  const ask = <T>(command: LoadCommand): Promise<T> => asked.ask<T>(command);
  await asked.first();
  await ask({ kind: 'plan', plan });
  return {
    pid: child.pid ?? -1,
    start: async (startAt, outstandingMax) =>
      void (await ask({ kind: 'start', startAt, ...(outstandingMax !== undefined && { outstandingMax }) })),
    arrived: (arrived) => ask<number>({ kind: 'arrived', arrived }),
    end: () => ask<LoadTold>({ kind: 'end' }),
    [Symbol.asyncDispose]: () => asked.close(),
  };
}
