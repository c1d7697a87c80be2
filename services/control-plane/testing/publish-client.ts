import { once } from 'node:events';
import { credentials, Metadata } from '@grpc/grpc-js';
import { EventServiceClient } from '@postrider/contract/postrider/v1/event_service';
import type { PublishedEvent, PublishEventStreamResponse } from '@postrider/contract/postrider/v1/event_service';
import type { ServiceError } from '@grpc/grpc-js';

/** Publishes over a connection of its own. */
export interface PublishClient extends Disposable {
  /** Resolves when every event is published; rejects when one is not. */
  publish(tenant: string, events: readonly PublishedEvent[]): Promise<void>;
  /** Publishes part after part in one stream, as fast as it is read, until `next` gives none; how many were published. Rejects when one was not. */
  publishStream(tenant: string, next: () => readonly PublishedEvent[] | null): Promise<number>;
}

/** How a control plane is reached over TLS; `ca`: PEM of who issued its certificate. */
export interface PlaneReach {
  readonly server: string;
  readonly apiKey: string;
  readonly ca: string;
}

export function openPublishClient({ server, apiKey, ca }: PlaneReach): PublishClient {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${apiKey}`);
  const own = { 'grpc.use_local_subchannel_pool': 1 };
  const client = new EventServiceClient(server, credentials.createSsl(Buffer.from(ca)), own);
  const partOf = (tenant: string, events: readonly PublishedEvent[]) => ({
    ...{ parent: `tenants/${tenant}`, events: [...events] },
    validation: 'EVENT_VALIDATION_UNSPECIFIED' as const,
  });
  return {
    publish: (tenant, events) =>
      new Promise((resolve, reject) => {
        client.publishEvents(partOf(tenant, events), metadata, (error, answer) => {
          const failed = error ?? answer.results.find((result) => result.error !== undefined)?.error;
          if (failed === undefined) resolve();
          else reject(error ?? notPublished(failed));
        });
      }),
    async publishStream(tenant, next) {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const answered = (error: ServiceError | null, answer: PublishEventStreamResponse): void => {
        const failed = error ?? answer.failures[0]?.error;
        if (failed === undefined) resolve(Number(answer.published));
        else reject(error ?? notPublished(failed));
      };
      const call = client.publishEventStream(metadata, answered);
      // What ends it is told by the answer.
      call.on('error', () => {});
      for (let part = next(); part !== null; part = next()) {
        if (!call.write(partOf(tenant, part))) await Promise.race([once(call, 'drain'), promise]);
      }
      call.end();
      return promise;
    },
    [Symbol.dispose]: () => client.close(),
  };
}

const notPublished = ({ message }: { readonly message: string }): Error =>
  new Error(`an event is not published: ${message}`);
