import { KafkaError } from '../port.ts';
import type { KafkaErrorCode } from '../port.ts';

/** Error codes of the protocol that the adapter decides by. */
export const code = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  illegalGeneration: 22,
  unknownMemberId: 25,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  topicAlreadyExists: 36,
  duplicateSequence: 46,
  concurrentTransactions: 51,
  operationNotAttempted: 55,
  groupIdNotFound: 69,
  fetchSessionIdNotFound: 70,
  invalidFetchSessionEpoch: 71,
  memberIdRequired: 79,
} as const;

/** A broker said no, by its error code. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly errorCode: number;
  constructor(what: string, errorCode: number) {
    super(`${what} failed with Kafka error ${errorCode}`);
    this.errorCode = errorCode;
  }
}

/**
 * Whether a broker only needs a moment for a group: it makes or reads the topic that groups are kept in, as it does at the
 * first start of a cluster and after each change of leader.
 */
export function isGroupGettingReady(error: Error): boolean {
  const { errorCode } = (error.cause ?? error) as { readonly errorCode?: unknown };
  return errorCode === code.coordinatorLoading || errorCode === code.coordinatorNotAvailable;
}

/** Throws unless the code means success. */
export function assertNoError(what: string, errorCode: number): void {
  if (errorCode !== code.none) throw new ProtocolError(what, errorCode);
}

const portCodes: ReadonlyMap<number, KafkaErrorCode> = new Map([
  [code.unknownTopicOrPartition, 'UNKNOWN_TOPIC'],
  [code.offsetOutOfRange, 'INVALID_ARGUMENT'],
  [code.invalidTopic, 'INVALID_ARGUMENT'],
  // What a writer hears when its id has a newer one, or the broker has given up its transaction: out of order sequence,
  // invalid producer epoch, invalid state, invalid id mapping, unknown producer id, fenced, abortable.
  ...[45, 47, 48, 49, 59, 90, 120].map((errorCode): [number, KafkaErrorCode] => [errorCode, 'FENCED']),
  // Invalid partitions, replication factor, replica assignment, configuration and request; policy violation; metadata too large.
  ...[37, 38, 39, 40, 42, 44, 12].map((errorCode): [number, KafkaErrorCode] => [errorCode, 'INVALID_ARGUMENT']),
]);

/** Any failure as an error of the port; what is not known may pass by itself. */
export function toKafkaError(error: unknown): KafkaError {
  if (error instanceof KafkaError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const portCode = cause instanceof ProtocolError ? portCodes.get(cause.errorCode) : undefined;
  return new KafkaError(portCode ?? 'UNAVAILABLE', cause.message, { cause });
}

const finalCodes: ReadonlySet<KafkaErrorCode> = new Set<KafkaErrorCode>([
  'INVALID_ARGUMENT',
  'CLOSED',
  'FENCED',
  'RECORD_TOO_LARGE',
  'RECORD_REFUSED',
]);

/** Whether asking again cannot help. */
export function isFinal(error: KafkaError): boolean {
  return finalCodes.has(error.code);
}
