import { setInterval as every } from 'node:timers/promises';
import { numberedEvent, publishEvents, type TestEvent } from './publish-events.ts';
import type { Stack } from './stack.ts';

/** Events that are published at a steady rate until it is stopped. */
export interface Load extends AsyncDisposable {
  /** How many have been published so far. */
  readonly published: number;
  /** No further event; resolves with all, when all are acknowledged. */
  stop(): Promise<readonly TestEvent[]>;
}

/** What is published. `type` gives each number its event type. */
export interface LoadOptions {
  readonly tenant: string;
  readonly eventsPerSecond: number;
  readonly type: (number: number) => string;
}

const everyMs = 100;

/** Begins to publish numbered events. */
export function startLoad(stack: Stack, { tenant, eventsPerSecond, type }: LoadOptions): Load {
  const events: TestEvent[] = [];
  const stopping = new AbortController();
  const began = performance.now();
  const publishing = (async () => {
    for await (const _ of every(everyMs, undefined, { signal: stopping.signal })) {
      const due = Math.floor(((performance.now() - began) / 1_000) * eventsPerSecond) - events.length;
      const next = Array.from({ length: Math.max(0, due) }, (_unused, index) => {
        const number = events.length + index;
        return numberedEvent(tenant, type(number), number);
      });
      events.push(...next);
      await publishEvents(stack, next);
    }
  })().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  const stop = async () => {
    stopping.abort();
    await publishing;
    return events;
  };
  return {
    get published() {
      return events.length;
    },
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}
