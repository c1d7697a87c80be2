import { webhookId } from '@postrider/core';
import { eventRecord, numberedEvent, type TestEvent } from '../support/publish-events.ts';
import { plainType, wantedByAllType } from '../support/customers.ts';
import type { Stack } from '../support/stack.ts';
import type { Accepted, AcceptedEvent } from './measure.ts';

/** Events published at a steady rate, whatever becomes of them, and the list of those that Kafka has accepted. */
export interface Load {
  /** Events that were accepted (`acks=all` answered), in the order of acceptance. */
  readonly accepted: readonly TestEvent[];
  readonly acceptedById: Accepted;
  /** Publishes no more; resolves when everything that was published is accepted. */
  stop(): Promise<void>;
}

const tickMs = 50;
/** Each tenth event is wanted by the endpoint that hangs, too: it can take no more. */
const wantedByAllEvery = 10;

/** Starts to publish, for one tenant after the other. */
export function startLoad(stack: Stack, tenants: readonly string[], eventsPerSecond: number): Load {
  const producer = stack.kafka.producer({ name: 'load' });
  const topic = stack.topic('events');
  const accepted: TestEvent[] = [];
  const acceptedById = new Map<string, AcceptedEvent>();
  const failures: Error[] = [];
  const began = performance.now();
  let published = 0;
  const publish = () => {
    const wanted = ((performance.now() - began) / 1_000) * eventsPerSecond;
    for (; published < wanted; published++) {
      const tenant = tenants[published % tenants.length] as string;
      const type = published % wantedByAllEvery === 0 ? wantedByAllType : plainType;
      const event = numberedEvent(tenant, type, published);
      producer.enqueue(eventRecord(topic, published % stack.partitions, event), (error) => {
        if (error !== null) {
          failures.push(error);
          return;
        }
        accepted.push(event);
        acceptedById.set(webhookId(tenant, event.source, event.id), { at: Date.now(), tenant });
      });
    }
  };
  const timer = setInterval(publish, tickMs);
  return {
    accepted,
    acceptedById,
    async stop() {
      clearInterval(timer);
      await producer.flush();
      await producer[Symbol.asyncDispose]();
      if (failures[0] !== undefined) throw new Error('an event was not accepted', { cause: failures[0] });
    },
  };
}
