import { webhookId } from '@postrider/core';
import { eventRecord, numberedEvent, type TestEvent } from './publish-events.ts';
import type { Stack } from './stack.ts';

/** What is known of an event that Kafka has accepted. */
export interface AcceptedEvent {
  /** When the publisher heard of it, in milliseconds since the Unix epoch. */
  readonly at: number;
  readonly tenant: string;
}

/** Accepted events by webhook-id, in the order of their acceptance. */
export type Accepted = ReadonlyMap<string, AcceptedEvent>;

/** Events that are published at a steady rate, whatever becomes of those before them, until it is stopped. */
export interface Load extends AsyncDisposable {
  /** How many have been published so far. */
  readonly published: number;
  /** Those that Kafka has accepted (`acks=all` answered). */
  readonly accepted: Accepted;
  /** No further event; resolves with all, when all are accepted. Rejects when Kafka refused one for good. */
  stop(): Promise<readonly TestEvent[]>;
}

/** What is published. */
export interface LoadOptions {
  /** Each event is for the next one of them. */
  readonly tenants: readonly string[];
  readonly eventsPerSecond: number;
  /** Gives each number its event type. */
  readonly type: (number: number) => string;
}

const everyMs = 50;

/** Begins to publish numbered events, spread over all partitions. */
export function startLoad(stack: Stack, { tenants, eventsPerSecond, type }: LoadOptions): Load {
  const producer = stack.kafka.producer({ name: 'load' });
  const topic = stack.topic('events');
  const events: TestEvent[] = [];
  const accepted = new Map<string, AcceptedEvent>();
  const failures: Error[] = [];
  const began = performance.now();
  const publishDue = () => {
    const due = Math.floor(((performance.now() - began) / 1_000) * eventsPerSecond);
    for (let number = events.length; number < due; number++) {
      const tenant = tenants[number % tenants.length] as string;
      const event = numberedEvent(tenant, type(number), number);
      events.push(event);
      producer.enqueue(eventRecord(topic, number % stack.partitions, event), (error) => {
        if (error === null) accepted.set(webhookId(tenant, event.source, event.id), { at: Date.now(), tenant });
        else failures.push(error);
      });
    }
  };
  const timer = setInterval(publishDue, everyMs);
  const stop = async () => {
    clearInterval(timer);
    await producer.flush();
    if (failures[0] !== undefined) throw new Error('an event was not accepted', { cause: failures[0] });
    return events;
  };
  return {
    get published() {
      return events.length;
    },
    accepted,
    stop,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await producer[Symbol.asyncDispose]();
    },
  };
}
