import {
  DeliveryKind,
  EventAttributes,
  OrderingMode,
  Outcome,
  PriorityClass,
  RunKind,
  SourceCoordinates,
  WaitReason,
} from '@postrider/contract/postrider/v1/delivery';
import { enumTable } from './enum-table.ts';
import { PostriderError } from './errors.ts';
import {
  readFixed64,
  readInt64,
  readKey,
  readLength,
  readTimestamp,
  readVarint32,
  skipValue,
  textBetween,
  unreadable,
  wireReader,
} from './wire-reader.ts';
import type { WireReader } from './wire-reader.ts';

/** How the last attempt went; times in milliseconds since the Unix epoch. */
export interface LastAttemptView {
  readonly outcome: Outcome;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly endedAt: number | null;
}

/** The order that the endpoint asked for. */
export interface OrderingView {
  readonly mode: OrderingMode;
  readonly keyHash: bigint;
  readonly seq: number;
}

/** The record that a waiting row stands for. */
export interface IntakeView {
  /** True: on `deliveries.bulk`; false: on `deliveries`. */
  readonly bulk: boolean;
  readonly offset: number;
}

/**
 * What the dispatcher needs of a `Delivery`, as plain values: times in milliseconds since the Unix epoch (null: absent),
 * offsets as numbers, absent texts empty. Unset enums read as the proto says (run FIRST, kind EVENT, class LIVE); an enum
 * value of a newer version is `UNRECOGNIZED`. Everything else stays in `header`.
 */
export interface DeliveryView {
  readonly header: Buffer;
  readonly deliveryId: string;
  readonly runKind: RunKind;
  /** Empty for the first run. */
  readonly runId: string;
  readonly kind: DeliveryKind;
  readonly webhookId: string;
  readonly tenant: string;
  readonly endpointId: string;
  readonly endpointRevision: string;
  readonly eventType: string;
  /** The event's `datacontenttype`. */
  readonly contentType: string;
  readonly firstSeen: number | null;
  readonly expiresAt: number | null;
  readonly dueAt: number | null;
  /** Attempts completed so far. */
  readonly attempt: number;
  readonly internalFailures: number;
  readonly last: LastAttemptView | null;
  readonly ordering: OrderingView | null;
  readonly waitReason: WaitReason;
  readonly layoutGeneration: number;
  readonly priorityClass: PriorityClass;
  readonly traceparent: string;
  readonly tracestate: string;
  readonly hopCount: number;
  /** The body is encrypted; how is in the header. */
  readonly bodyEncrypted: boolean;
  readonly intake: IntakeView | null;
  /** Number of the DeadReason with which it was given up while order keeps it in its place; 0: it was not. */
  readonly givenUp: number;
  /** Where the message EventAttributes stands in `header`; both 0 when it is absent. */
  readonly eventStart: number;
  readonly eventEnd: number;
  /** Where the message SourceCoordinates stands in `header`; both 0 when it is absent. */
  readonly sourceStart: number;
  readonly sourceEnd: number;
}

type Draft = { -readonly [name in keyof DeliveryView]: DeliveryView[name] };

const runKinds = enumTable(RunKind);
const kinds = enumTable(DeliveryKind);
const outcomes = enumTable(Outcome);
const orderingModes = enumTable(OrderingMode);
const waitReasons = enumTable(WaitReason);
const priorityClasses = enumTable(PriorityClass);

/**
 * Reads a `postrider-delivery` header, several times faster than a generated decoder.
 * @throws PostriderError `header_unreadable` when it is damaged, or lacks delivery_id, webhook_id, tenant or endpoint_id
 */
export function readDelivery(header: Buffer): DeliveryView {
  const reader = wireReader(header);
  const latin1 = header.toString('latin1');
  const view = emptyView(header);
  while (reader.at < reader.end) {
    const key = readKey(reader);
    // Only length-delimited values and one-byte keys with varints are ours; everything else is stepped over.
    if ((key & 7) === 2) readDelimited(view, reader, latin1, key);
    else if ((key & 7) === 0) readNumber(view, reader, key);
    else skipValue(reader, key);
  }
  if (view.deliveryId === '') throw unreadable('delivery_id is missing');
  if (view.webhookId === '') throw unreadable('webhook_id is missing');
  if (view.tenant === '') throw unreadable('tenant is missing');
  if (view.endpointId === '') throw unreadable('endpoint_id is missing');
  return view;
}

/**
 * The event's attributes, all of them, read when they are needed.
 * @throws PostriderError `header_unreadable`
 */
export function eventOf(view: DeliveryView): EventAttributes {
  return decodePart('event', () => EventAttributes.decode(view.header.subarray(view.eventStart, view.eventEnd)));
}

/**
 * Where the event was read, in full; undefined when the header does not say.
 * @throws PostriderError `header_unreadable`
 */
export function sourceOf(view: DeliveryView): SourceCoordinates | undefined {
  if (view.sourceEnd === 0) return undefined;
  return decodePart('source', () => SourceCoordinates.decode(view.header.subarray(view.sourceStart, view.sourceEnd)));
}

function decodePart<T>(field: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new PostriderError('header_unreadable', `the field ${field} of the header cannot be read`, { cause: error });
  }
}

function emptyView(header: Buffer): Draft {
  return {
    header,
    deliveryId: '',
    runKind: RunKind.FIRST,
    runId: '',
    kind: DeliveryKind.EVENT,
    webhookId: '',
    tenant: '',
    endpointId: '',
    endpointRevision: '',
    eventType: '',
    contentType: '',
    firstSeen: null,
    expiresAt: null,
    dueAt: null,
    attempt: 0,
    internalFailures: 0,
    last: null,
    ordering: null,
    waitReason: WaitReason.UNSPECIFIED,
    layoutGeneration: 0,
    priorityClass: PriorityClass.LIVE,
    traceparent: '',
    tracestate: '',
    hopCount: 0,
    bodyEncrypted: false,
    intake: null,
    givenUp: 0,
    eventStart: 0,
    eventEnd: 0,
    sourceStart: 0,
    sourceEnd: 0,
  };
}

function readNumber(view: Draft, reader: WireReader, key: number): void {
  const value = readVarint32(reader);
  switch (key >>> 3) {
    case 3:
      view.kind = value === 0 ? DeliveryKind.EVENT : (kinds[value] ?? DeliveryKind.UNRECOGNIZED);
      return;
    case 14:
      view.attempt = value;
      return;
    case 15:
      view.internalFailures = value;
      return;
    case 18:
      view.waitReason = waitReasons[value] ?? WaitReason.UNRECOGNIZED;
      return;
    case 19:
      view.layoutGeneration = value;
      return;
    case 20:
      view.priorityClass = value === 0 ? PriorityClass.LIVE : (priorityClasses[value] ?? PriorityClass.UNRECOGNIZED);
      return;
    case 23:
      view.hopCount = value;
      return;
    case 26:
      view.givenUp = value;
      return;
    default:
  }
}

function readDelimited(view: Draft, reader: WireReader, latin1: string, key: number): void {
  const end = readLength(reader);
  const start = reader.at;
  switch (key >>> 3) {
    case 1:
      // Remembered long after the delivery has ended: it must not keep the text that it would be cut out of.
      view.deliveryId = reader.bytes.toString('utf8', start, end);
      break;
    case 2:
      readRun(view, reader, latin1, end);
      break;
    case 4:
      view.webhookId = textBetween(reader.bytes, latin1, start, end);
      break;
    case 5:
      view.tenant = textBetween(reader.bytes, latin1, start, end);
      break;
    case 6:
      view.endpointId = textBetween(reader.bytes, latin1, start, end);
      break;
    case 7:
      view.endpointRevision = textBetween(reader.bytes, latin1, start, end);
      break;
    case 9:
      readEvent(view, reader, latin1, end);
      break;
    case 10:
      view.sourceStart = start;
      view.sourceEnd = end;
      break;
    case 11:
      view.firstSeen = readTimestamp(reader, end);
      break;
    case 12:
      view.expiresAt = readTimestamp(reader, end);
      break;
    case 13:
      view.dueAt = readTimestamp(reader, end);
      break;
    case 16:
      view.last = readLast(reader, latin1, end);
      break;
    case 17:
      view.ordering = readOrdering(reader, end);
      break;
    case 21:
      view.traceparent = textBetween(reader.bytes, latin1, start, end);
      break;
    case 22:
      view.tracestate = textBetween(reader.bytes, latin1, start, end);
      break;
    case 24:
      view.bodyEncrypted = true;
      break;
    case 25:
      view.intake = readIntake(reader, end);
      break;
    default:
  }
  reader.at = end;
}

function readRun(view: Draft, reader: WireReader, latin1: string, end: number): void {
  view.runKind = RunKind.FIRST;
  view.runId = '';
  const outerEnd = enter(reader, end);
  while (reader.at < end) {
    const key = readKey(reader);
    if (key === 8) {
      const value = readVarint32(reader);
      view.runKind = value === 0 ? RunKind.FIRST : (runKinds[value] ?? RunKind.UNRECOGNIZED);
    } else if (key === 18) view.runId = readText(reader, latin1);
    else skipValue(reader, key);
  }
  reader.end = outerEnd;
}

function readEvent(view: Draft, reader: WireReader, latin1: string, end: number): void {
  view.eventStart = reader.at;
  view.eventEnd = end;
  view.eventType = '';
  view.contentType = '';
  const outerEnd = enter(reader, end);
  while (reader.at < end) {
    const key = readKey(reader);
    if (key === 26) view.eventType = readText(reader, latin1);
    else if (key === 50) view.contentType = readText(reader, latin1);
    else skipValue(reader, key);
  }
  reader.end = outerEnd;
}

function readLast(reader: WireReader, latin1: string, end: number): LastAttemptView {
  let outcome: Outcome = Outcome.UNSPECIFIED;
  let status = 0;
  let code = '';
  let endedAt: number | null = null;
  const outerEnd = enter(reader, end);
  while (reader.at < end) {
    const key = readKey(reader);
    if (key === 8) outcome = outcomes[readVarint32(reader)] ?? Outcome.UNRECOGNIZED;
    else if (key === 16) status = readVarint32(reader);
    else if (key === 26) code = readText(reader, latin1);
    else if (key === 34) endedAt = readTimestamp(reader, readLength(reader));
    else skipValue(reader, key);
  }
  reader.end = outerEnd;
  return { outcome, status, code, endedAt };
}

function readOrdering(reader: WireReader, end: number): OrderingView {
  let mode: OrderingMode = OrderingMode.UNSPECIFIED;
  let keyHash = 0n;
  let seq = 0;
  const outerEnd = enter(reader, end);
  while (reader.at < end) {
    const key = readKey(reader);
    if (key === 8) mode = orderingModes[readVarint32(reader)] ?? OrderingMode.UNRECOGNIZED;
    else if (key === 17) keyHash = readFixed64(reader);
    else if (key === 24) seq = readInt64(reader);
    else skipValue(reader, key);
  }
  reader.end = outerEnd;
  return { mode, keyHash, seq };
}

function readIntake(reader: WireReader, end: number): IntakeView {
  let bulk = false;
  let offset = 0;
  const outerEnd = enter(reader, end);
  while (reader.at < end) {
    const key = readKey(reader);
    if (key === 8) bulk = readInt64(reader) !== 0;
    else if (key === 16) offset = readInt64(reader);
    else skipValue(reader, key);
  }
  reader.end = outerEnd;
  return { bulk, offset };
}

function readText(reader: WireReader, latin1: string): string {
  const end = readLength(reader);
  const text = textBetween(reader.bytes, latin1, reader.at, end);
  reader.at = end;
  return text;
}

/** Narrows the reader to a message that ends at `end`; answers the end to go back to. */
function enter(reader: WireReader, end: number): number {
  const outerEnd = reader.end;
  reader.end = end;
  return outerEnd;
}
