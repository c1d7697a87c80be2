import { fork } from 'node:child_process';
import { join } from 'node:path';
import { askChild } from '../ask-child.ts';
import type { PlaneReach } from '../../../services/control-plane/testing/publish-client.ts';
import type { Called } from '../plane/callers.ts';

/** How events are published: by kafkajs alone, by calls, or in streams. */
export type Way = 'kafkajs' | 'unary' | 'stream';

/** Where to, and what. */
export interface PublisherPlan {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  readonly reach: PlaneReach;
  readonly tenant: string;
  readonly bodyBytes: number;
}

/** One part of a bench: so many at once as fast as they are answered, or, with `perSecond`, so many calls a second. */
export interface PublisherRun {
  readonly way: Way;
  readonly seconds: number;
  /** Events of a call, or of a part of a stream. */
  readonly together: number;
  /** Calls, or streams, at once. */
  readonly atOnce: number;
  readonly perSecond?: number;
}

/** What came of it; of streams a call is a whole stream. */
export interface PublisherTold extends Called {
  readonly events: number;
  readonly wallMs: number;
  /** Of the publishing process, in microseconds. */
  readonly cpuUs: number;
}

/** A service that publishes, as a process of its own. */
export interface BenchPublisher extends AsyncDisposable {
  run(run: PublisherRun): Promise<PublisherTold>;
}

/** Starts `publisher-process.ts`, connected. */
export async function startBenchPublisher(plan: PublisherPlan): Promise<BenchPublisher> {
  const asked = askChild(fork(join(import.meta.dirname, 'publisher-process.ts')), 'publisher');
  await asked.first();
  await asked.ask({ plan });
  return { run: (run) => asked.ask<PublisherTold>({ run }), [Symbol.asyncDispose]: () => asked.close() };
}
