import type { ReceivedRequest, Rpc } from '@postrider/cli';
import { Attempt } from '@postrider/contract/postrider/v1/attempt';
import { Delivery } from '@postrider/contract/postrider/v1/delivery';
import { DELIVERY_HEADER, header, type IncomingRecord, type KafkaPort } from '@postrider/kafka';
import type { Screen } from '../screen.ts';
import type { PublishedEvent } from './publish.ts';
import type { Receiver } from './receiver.ts';
import type { Scene } from './resources.ts';
import type { Found, TopicWatch } from './topic-watch.ts';

/** What a scene is told with. */
export interface Stage {
  readonly kafka: KafkaPort;
  readonly topicPrefix: string;
  readonly rpc: Rpc;
  readonly watch: TopicWatch;
  readonly screen: Screen;
  /** Takes the receivers, which stay up after the story. */
  readonly keep: AsyncDisposableStack;
  readonly signal: AbortSignal;
}

/** A scene that has been told, and goes on receiving. */
export interface Told {
  readonly scene: Scene;
  readonly receiver: Receiver;
}

/** The delivery that the router wrote for this event and endpoint. */
export function findDelivery({ watch }: Stage, event: PublishedEvent, scene: Scene): Promise<Found<Delivery>> {
  return watch.find(['deliveries'], (record) => {
    const delivery = deliveryOf(record);
    return delivery?.event?.id === event.id && delivery.endpointId === scene.endpoint.uid ? delivery : null;
  });
}

/** The row that an attempt left in a retry tier; `attempts` is how many have been made. */
export function findRow(
  { watch }: Stage,
  tier: TierTopic,
  deliveryId: string,
  attempts: number,
): Promise<Found<Delivery>> {
  return watch.find([tier], (record) => {
    const delivery = deliveryOf(record);
    return delivery?.deliveryId === deliveryId && delivery.attempt === attempts ? delivery : null;
  });
}

type TierTopic = 'retry.1m' | 'retry.1h' | 'retry.14d';

/** Attempt `number` of a delivery. */
export function findAttempt({ watch }: Stage, deliveryId: string, number: number): Promise<Found<Attempt>> {
  return watch.find(['attempts'], (record) => {
    if (record.value === null) return null;
    const attempt = Attempt.decode(record.value);
    return attempt.deliveryId === deliveryId && attempt.number === number ? attempt : null;
  });
}

/** The request of this delivery as the receiver saw it. */
export function findRequest({ requests }: Receiver, webhookId: string): Promise<ReceivedRequest> {
  return requests.find('the request', (request) => (request.headers['webhook-id'] === webhookId ? request : null));
}

function deliveryOf(record: IncomingRecord): Delivery | null {
  const encoded = record.value === null ? undefined : header(record, DELIVERY_HEADER);
  return encoded === undefined ? null : Delivery.decode(encoded);
}
