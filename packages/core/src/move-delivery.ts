import { OrderingMode, Outcome, PriorityClass, WaitReason } from '@postrider/contract/postrider/v1/delivery';
import { enumNumbers } from './enum-table.ts';
import { PostriderError } from './errors.ts';
import type { IntakeView, LastAttemptView, OrderingView } from './delivery-header.ts';
import { readInt64, readKey, skipValue, wireReader } from './wire-reader.ts';
import {
  beginMessage,
  closeMessage,
  finishMessage,
  openMessage,
  putBool,
  putFixed64,
  putInt64,
  putRaw,
  putText,
  putTimestamp,
  putUint32,
} from './wire-writer.ts';

/** What changes when a delivery is moved; absent: stays as it is; null: taken out. Times in milliseconds since the Unix epoch. */
export interface DeliveryChanges {
  readonly endpointRevision?: string;
  readonly attempt?: number;
  readonly internalFailures?: number;
  readonly expiresAt?: number | null;
  readonly dueAt?: number | null;
  readonly last?: LastAttemptView | null;
  readonly ordering?: OrderingView | null;
  readonly waitReason?: WaitReason;
  readonly layoutGeneration?: number;
  readonly intake?: IntakeView | null;
  readonly givenUp?: number;
  readonly priorityClass?: PriorityClass;
}

/** The version of a retry-tier record. */
export interface RowVersionView {
  /** Epoch of the owner that wrote it. */
  readonly epoch: number;
  /** Number of the tier write within that reign, from 1. */
  readonly n: number;
}

const outcomes = enumNumbers(Outcome);
const orderingModes = enumNumbers(OrderingMode);
const waitReasons = enumNumbers(WaitReason);
const priorityClasses = enumNumbers(PriorityClass);

/**
 * The header with some fields changed. Every other field keeps its bytes, also fields and enum values that this version
 * does not know: an older process never strips what a newer one wrote.
 * @throws PostriderError `header_unreadable`
 */
export function moveDelivery(header: Buffer, changes: DeliveryChanges): Buffer {
  const changed = changedFields(changes);
  const reader = wireReader(header);
  beginMessage();
  let keptFrom = 0;
  while (reader.at < reader.end) {
    const start = reader.at;
    const key = readKey(reader);
    skipValue(reader, key);
    const field = key >>> 3;
    if (field < 32 && (changed & (1 << field)) !== 0) {
      putRaw(header, keptFrom, start);
      keptFrom = reader.at;
    }
  }
  putRaw(header, keptFrom, header.length);
  writeChanges(changes);
  return finishMessage();
}

/** The value of a `postrider-row` header: `n` is the number of the tier write within the reign of `epoch`. */
export function encodeRowVersion(epoch: number, n: number): Buffer {
  beginMessage();
  putInt64(8, epoch);
  putInt64(16, n);
  return finishMessage();
}

/**
 * Reads a `postrider-row` header.
 * @throws PostriderError `header_unreadable`
 */
export function readRowVersion(header: Buffer): RowVersionView {
  const reader = wireReader(header);
  let epoch = 0;
  let n = 0;
  while (reader.at < reader.end) {
    const key = readKey(reader);
    if (key === 8) epoch = readInt64(reader);
    else if (key === 16) n = readInt64(reader);
    else skipValue(reader, key);
  }
  if (epoch < 0 || n < 0) throw new PostriderError('header_unreadable', `row version (${epoch}, ${n}) is negative`);
  return { epoch, n };
}

/** Above 0: `a` is newer than `b`, wherever they stand in the log. 0: the same write. */
export function compareRowVersions(a: RowVersionView, b: RowVersionView): number {
  return a.epoch - b.epoch || a.n - b.n;
}

/** Numbers of the fields that are rewritten, as bits. */
function changedFields(changes: DeliveryChanges): number {
  return (
    (changes.endpointRevision === undefined ? 0 : 1 << 7) |
    (changes.expiresAt === undefined ? 0 : 1 << 12) |
    (changes.dueAt === undefined ? 0 : 1 << 13) |
    (changes.attempt === undefined ? 0 : 1 << 14) |
    (changes.internalFailures === undefined ? 0 : 1 << 15) |
    (changes.last === undefined ? 0 : 1 << 16) |
    (changes.ordering === undefined ? 0 : 1 << 17) |
    (changes.waitReason === undefined ? 0 : 1 << 18) |
    (changes.layoutGeneration === undefined ? 0 : 1 << 19) |
    (changes.priorityClass === undefined ? 0 : 1 << 20) |
    (changes.intake === undefined ? 0 : 1 << 25) |
    (changes.givenUp === undefined ? 0 : 1 << 26)
  );
}

function writeChanges(changes: DeliveryChanges): void {
  const {
    endpointRevision,
    expiresAt,
    dueAt,
    attempt,
    internalFailures,
    last,
    ordering,
    waitReason,
    layoutGeneration,
    intake,
  } = changes;
  if (endpointRevision !== undefined) putText(58, endpointRevision);
  if (expiresAt !== undefined && expiresAt !== null) putTimestamp(98, expiresAt);
  if (dueAt !== undefined && dueAt !== null) putTimestamp(106, dueAt);
  if (attempt !== undefined) putUint32(112, attempt);
  if (internalFailures !== undefined) putUint32(120, internalFailures);
  if (last) {
    const body = openMessage(130);
    putUint32(8, numberOf(outcomes, last.outcome));
    putUint32(16, last.status);
    putText(26, last.code);
    if (last.endedAt !== null) putTimestamp(34, last.endedAt);
    closeMessage(body);
  }
  if (ordering) {
    const body = openMessage(138);
    putUint32(8, numberOf(orderingModes, ordering.mode));
    putFixed64(17, ordering.keyHash);
    putInt64(24, ordering.seq);
    closeMessage(body);
  }
  if (waitReason !== undefined) putUint32(144, numberOf(waitReasons, waitReason));
  if (layoutGeneration !== undefined) putUint32(152, layoutGeneration);
  if (changes.priorityClass !== undefined) putUint32(160, numberOf(priorityClasses, changes.priorityClass));
  if (intake) {
    const body = openMessage(202);
    putBool(8, intake.bulk);
    putInt64(16, intake.offset);
    closeMessage(body);
  }
  if (changes.givenUp !== undefined) putUint32(208, changes.givenUp);
}

function numberOf<T extends string>(numbers: ReadonlyMap<T, number>, value: T): number {
  const number = numbers.get(value);
  // Leaving a field out keeps a value that this version does not know; writing it anew would lose it.
  if (number === undefined) throw new PostriderError('invalid_argument', `${value} cannot be written to a header`);
  return number;
}
