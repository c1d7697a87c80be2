import { deliveryId, encodeEventFields, encodeNewDelivery, partitionOf, type EventFields } from '@postrider/core';
import { DELIVERY_HEADER, topicName, type OutgoingRecord } from '@postrider/kafka';
import type { OrderingState } from '@postrider/contract/postrider/v1/delivery';

/** An event that was read and understood, with what all its deliveries share. */
export interface RoutableEvent {
  readonly webhookId: string;
  /** The body, byte for byte as published. */
  readonly body: Buffer;
  /** Milliseconds since the Unix epoch. */
  readonly firstSeen: number;
  /** The part of a delivery's header that is the same for all endpoints. */
  readonly fields: Buffer;
}

/** An endpoint that the event is for. */
export interface Addressee {
  readonly endpointUid: string;
  readonly endpointRevision: string;
  readonly subscriptionUids: readonly string[];
  /** How long the delivery may be retried (ms). */
  readonly retrySpanMs: number;
  /** The order that it asks for; undefined: none. */
  readonly ordering: OrderingState | undefined;
}

/** Where records go. */
export interface Destination {
  readonly topicPrefix: string;
  readonly layout: { readonly generation: number; readonly partitions: number };
}

/** An event with what is the same in the headers of all its deliveries. */
export function routableEvent(event: EventFields, body: Buffer): RoutableEvent {
  const { webhookId, firstSeen } = event;
  return { webhookId, body, firstSeen, fields: encodeEventFields(event) };
}

/** The record on `deliveries` for one endpoint: the body untouched, everything else in one header. */
export function deliveryRecord(event: RoutableEvent, addressee: Addressee, destination: Destination): OutgoingRecord {
  const { endpointUid, endpointRevision, subscriptionUids, retrySpanMs, ordering } = addressee;
  const { generation: layoutGeneration, partitions } = destination.layout;
  const header = encodeNewDelivery(event.fields, {
    ...{ deliveryId: deliveryId(event.webhookId, endpointUid), endpointId: endpointUid, endpointRevision },
    ...{ subscriptionIds: subscriptionUids, expiresAt: event.firstSeen + retrySpanMs, ordering, layoutGeneration },
  });
  return {
    topic: topicName(destination.topicPrefix, 'deliveries'),
    partition: partitionOf(endpointUid, partitions),
    key: Buffer.from(endpointUid),
    value: event.body,
    headers: { [DELIVERY_HEADER]: header },
  };
}
