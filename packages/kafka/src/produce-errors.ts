import { KafkaError, type OutgoingRecord, type TopicPartition } from './port.ts';
import type { PartitionWrite } from './producer-queue.ts';

/** What a broker's answer to a write means for the records of one partition. */
export type ProduceVerdict = 'stored' | 'too-large' | 'invalid' | 'unknown-topic' | 'refused' | 'again';

/**
 * Verdicts by the protocol's error codes (https://kafka.apache.org/protocol#protocol_error_codes). Whatever is not named
 * here may pass by itself and is tried again: giving a record up for an error that we do not know would lose it.
 */
const verdicts: ReadonlyMap<number, ProduceVerdict> = new Map([
  [0, 'stored'],
  [3, 'unknown-topic'],
  // MESSAGE_TOO_LARGE and RECORD_LIST_TOO_LARGE judge the whole batch, not one record.
  [10, 'too-large'],
  [18, 'too-large'],
  [17, 'refused'],
  [29, 'refused'],
  [31, 'refused'],
  [32, 'invalid'],
  [43, 'invalid'],
  [44, 'invalid'],
  [76, 'invalid'],
  [87, 'invalid'],
] as const);

/** The verdict on one partition's error code. */
export function produceVerdict(errorCode: number): ProduceVerdict {
  return verdicts.get(errorCode) ?? 'again';
}

/** What the caller is told of a record that no further send would get stored. */
export function refusedForGood(
  { topic, partition }: TopicPartition,
  verdict: ProduceVerdict,
  errorCode: number,
): KafkaError {
  const code = verdict === 'too-large' ? 'RECORD_TOO_LARGE' : 'RECORD_REFUSED';
  return new KafkaError(code, `the broker refused a record for ${topic}/${partition} (error ${errorCode})`);
}

/** Whether the broker takes these records never, whoever sends them: nothing of them is stored. */
export function isRefusal(error: unknown): boolean {
  return error instanceof KafkaError && (error.code === 'RECORD_TOO_LARGE' || error.code === 'RECORD_REFUSED');
}

/** What an operator is told of a partition that has refused one send after the other. */
export function refusedOften(
  { topic, partition, failures }: TopicPartition & { readonly failures: number },
  errorCode: number,
): KafkaError {
  const message = `${topic}/${partition} cannot be written: ${failures} refusals, the last with error ${errorCode}`;
  return new KafkaError('UNAVAILABLE', message);
}

/**
 * What is to be written as one, by partition, in the order in which they first come.
 * @throws KafkaError `INVALID_ARGUMENT` when there is nothing
 */
export function partsOfTransaction(records: readonly OutgoingRecord[]): readonly [PartitionWrite, ...PartitionWrite[]] {
  const byPlace = Map.groupBy(records, ({ topic, partition }) => `${topic}/${partition}`);
  const [first, ...others] = Array.from(byPlace.values(), (part) => ({ ...placeOf(part), records: part }));
  if (first === undefined) throw new KafkaError('INVALID_ARGUMENT', 'a transaction has at least one record');
  return [first, ...others];
}

function placeOf([first]: readonly OutgoingRecord[]): TopicPartition {
  return { topic: first?.topic ?? '', partition: first?.partition ?? 0 };
}

/** What a record gets whose owner may not write it any more. */
export function fenced({ topic, partition }: TopicPartition): KafkaError {
  return new KafkaError('FENCED', `writing to ${topic}/${partition} is not allowed any more`);
}
