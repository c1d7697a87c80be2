import { createCheckDescribed } from './described-types.ts';
import { createPublisher } from './publisher.ts';
import { createPublishRates } from './publish-rates.ts';
import type { Clock } from '@postrider/core';
import type { KafkaPort } from '@postrider/kafka';
import type { Publishing } from './publish-methods.ts';

export interface PublishingOptions {
  readonly kafka: Pick<KafkaPort, 'admin' | 'producer'>;
  readonly clock: Clock;
  /** Full name of the source topic that is written to. */
  readonly topic: string;
  /** Largest body, in bytes. */
  readonly bodyBytesMax: number;
  readonly events: Publishing['events'];
}

/** Publishing with a producer of its own, which is closed with it: what is being written then is told as unknown. */
export function startPublishing(options: PublishingOptions): Publishing & AsyncDisposable {
  const { kafka, clock, bodyBytesMax, events } = options;
  const producer = kafka.producer({ name: 'publishing' });
  return {
    publisher: createPublisher({ ...options, producer }),
    rates: createPublishRates(clock),
    checkDescribed: createCheckDescribed(),
    bodyBytesMax,
    events,
    [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
  };
}
