import { Delivery, DeliveryKind, PriorityClass, RunKind, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { deliveryId, partitionOf, webhookId } from '@postrider/core';
import { DELIVERY_HEADER, topicName, type OutgoingRecord } from '@postrider/kafka';
import type { EventAttributes, OrderingState, SourceCoordinates } from '@postrider/contract/postrider/v1/delivery';

/** An event that was read and understood, with what all its deliveries share. */
export interface RoutableEvent {
  readonly tenant: string;
  readonly attributes: EventAttributes;
  /** The body, byte for byte as published. */
  readonly body: Buffer;
  readonly source: SourceCoordinates;
  readonly traceparent: string;
  readonly tracestate: string;
  readonly hopCount: number;
  readonly firstSeen: Date;
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

/** The record on `deliveries` for one endpoint: the body untouched, everything else in one header. */
export function deliveryRecord(event: RoutableEvent, addressee: Addressee, destination: Destination): OutgoingRecord {
  const { endpointUid } = addressee;
  const webhook = webhookId(event.tenant, event.attributes.source, event.attributes.id);
  const delivery: Delivery = {
    deliveryId: deliveryId(webhook, endpointUid),
    run: { kind: RunKind.FIRST, id: '' },
    kind: DeliveryKind.EVENT,
    webhookId: webhook,
    tenant: event.tenant,
    endpointId: endpointUid,
    endpointRevision: addressee.endpointRevision,
    subscriptionIds: [...addressee.subscriptionUids],
    event: event.attributes,
    source: event.source,
    firstSeen: event.firstSeen,
    expiresAt: new Date(event.firstSeen.getTime() + addressee.retrySpanMs),
    dueAt: undefined,
    attempt: 0,
    internalFailures: 0,
    last: undefined,
    ordering: addressee.ordering,
    waitReason: WaitReason.UNSPECIFIED,
    layoutGeneration: destination.layout.generation,
    priorityClass: PriorityClass.LIVE,
    traceparent: event.traceparent,
    tracestate: event.tracestate,
    hopCount: event.hopCount,
    bodyEncryption: undefined,
    intake: undefined,
    givenUp: 0,
  };
  return {
    topic: topicName(destination.topicPrefix, 'deliveries'),
    partition: partitionOf(endpointUid, destination.layout.partitions),
    key: Buffer.from(endpointUid),
    value: event.body,
    headers: { [DELIVERY_HEADER]: Buffer.from(Delivery.encode(delivery).finish()) },
  };
}
