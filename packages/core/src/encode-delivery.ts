import { DeliveryKind, OrderingMode, PriorityClass, RunKind } from '@postrider/contract/postrider/v1/delivery';
import type { EventAttributes, OrderingState, SourceCoordinates } from '@postrider/contract/postrider/v1/delivery';
import { enumNumbers } from './enum-table.ts';
import {
  beginMessage,
  closeMessage,
  finishMessage,
  openMessage,
  putBytes,
  putFixed64,
  putInt64,
  putRaw,
  putText,
  putTimestamp,
  putUint32,
} from './wire-writer.ts';

/** What all deliveries of one event say alike. */
export interface EventFields {
  readonly webhookId: string;
  readonly tenant: string;
  readonly attributes: EventAttributes;
  readonly source: SourceCoordinates;
  /** Milliseconds since the Unix epoch. */
  readonly firstSeen: number;
  readonly traceparent: string;
  readonly tracestate: string;
  readonly hopCount: number;
}

/** What a delivery of an event says of its endpoint. */
export interface NewDeliveryFields {
  readonly deliveryId: string;
  readonly endpointId: string;
  readonly endpointRevision: string;
  readonly subscriptionIds: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  /** Undefined: it asks for no order. */
  readonly ordering: OrderingState | undefined;
  readonly layoutGeneration: number;
}

const orderingModes = enumNumbers(OrderingMode);
const firstRun = enumNumbers(RunKind).get(RunKind.FIRST) ?? 0;
const ofEvent = enumNumbers(DeliveryKind).get(DeliveryKind.EVENT) ?? 0;
const live = enumNumbers(PriorityClass).get(PriorityClass.LIVE) ?? 0;

/** The fields of `Delivery` that an event fills: written once, however many endpoints it is for. */
export function encodeEventFields(event: EventFields): Buffer {
  beginMessage();
  putText(34, event.webhookId);
  putText(42, event.tenant);
  writeAttributes(event.attributes);
  writeSource(event.source);
  putTimestamp(90, event.firstSeen);
  putText(170, event.traceparent);
  putText(178, event.tracestate);
  putUint32(184, event.hopCount);
  return finishMessage();
}

/**
 * The header of a delivery that nobody has worked on: what `Delivery.encode` would write, in another order of fields and
 * several times faster.
 * @param event from `encodeEventFields`
 */
export function encodeNewDelivery(event: Buffer, delivery: NewDeliveryFields): Buffer {
  beginMessage();
  putText(10, delivery.deliveryId);
  const run = openMessage(18);
  putUint32(8, firstRun);
  closeMessage(run);
  putUint32(24, ofEvent);
  putText(50, delivery.endpointId);
  putText(58, delivery.endpointRevision);
  for (const id of delivery.subscriptionIds) putText(66, id);
  putRaw(event, 0, event.length);
  putTimestamp(98, delivery.expiresAt);
  if (delivery.ordering !== undefined) writeOrdering(delivery.ordering);
  putUint32(152, delivery.layoutGeneration);
  putUint32(160, live);
  return finishMessage();
}

function writeAttributes(attributes: EventAttributes): void {
  const body = openMessage(74);
  putText(10, attributes.id);
  putText(18, attributes.source);
  putText(26, attributes.type);
  putText(34, attributes.subject);
  putText(42, attributes.time);
  putText(50, attributes.contentType);
  for (const [name, value] of Object.entries(attributes.extensions)) {
    const entry = openMessage(58);
    putText(10, name);
    putText(18, value);
    closeMessage(entry);
  }
  putText(66, attributes.dataSchema);
  closeMessage(body);
}

function writeSource(source: SourceCoordinates): void {
  const body = openMessage(82);
  putText(10, source.cluster);
  putText(18, source.topic);
  putInt64(24, source.partition);
  putInt64(32, Number(source.offset));
  if (source.timestamp !== undefined) putTimestamp(42, source.timestamp.getTime());
  putBytes(50, source.bodySha256);
  closeMessage(body);
}

function writeOrdering({ mode, keyHash, seq }: OrderingState): void {
  const body = openMessage(138);
  putUint32(8, orderingModes.get(mode) ?? 0);
  putFixed64(17, keyHash);
  putInt64(24, Number(seq));
  closeMessage(body);
}
