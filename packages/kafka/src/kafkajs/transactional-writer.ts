import { KafkaError } from '../port.ts';
import { fenced, partsOfTransaction, produceVerdict, refusedForGood } from '../produce-errors.ts';
import { recordBytes } from '../partition-queue.ts';
import { createClient } from './client.ts';
import { produce } from './produce-request.ts';
import { code, ProtocolError } from './protocol-error.ts';
import { retry } from './retry.ts';
import { createTransactionRequests } from './transaction-requests.ts';
import type {
  OutgoingRecord,
  TopicPartition,
  TopicPartitionOffset,
  TransactionalWriter,
  TransactionalWriterOptions,
} from '../port.ts';
import type { PartitionWrite } from '../producer-queue.ts';
import type { KafkaClient } from './client.ts';
import type { KafkaOptions } from './options.ts';
import type { BatchWriter } from './record-batch.ts';
import type { TransactionRequests, WriterIdentity } from './transaction-requests.ts';

const TRANSACTION_TIMEOUT_MS_DEFAULT = 30_000;
/** How long a broker may wait for its followers, and we for it. What is repeated is stored once. */
const BROKER_TIMEOUT_MS = 10_000;
const TIMEOUT_MS = 15_000;
/** Partitions that one request writes to. */
const PARTS_TOGETHER_MAX = 16;
const BATCH_RECORDS_MAX = 500;
/** Below what every topic takes in one batch. */
const BATCH_BYTES_MAX = 512 * 1024;

/** The port's transactional writer, over connections of its own. */
export async function createTransactionalWriter(
  options: KafkaOptions,
  wanted: TransactionalWriterOptions,
  signal: AbortSignal,
): Promise<TransactionalWriter> {
  const { transactionalId, transactionTimeoutMs = TRANSACTION_TIMEOUT_MS_DEFAULT } = wanted;
  const client = createClient(options, `${options.clientId}-${wanted.name}`);
  const requests = createTransactionRequests(client, transactionalId, options.clock);
  try {
    const identity = await retry(() => requests.begin(transactionTimeoutMs), {
      ...endlessRetry(options, wanted),
      signal,
    });
    return new Writer(options, wanted, client, requests, identity);
  } catch (error) {
    client.destroy();
    throw error;
  }
}

function endlessRetry({ clock, logger }: KafkaOptions, { name }: TransactionalWriterOptions) {
  const onTrouble = (error: Error): void =>
    logger?.warn({ writer: name, err: error }, 'a transaction cannot go on at the moment; it is tried again');
  return { clock, limitMs: Infinity, onTrouble };
}

class Writer implements TransactionalWriter {
  readonly #options: KafkaOptions;
  readonly #wanted: TransactionalWriterOptions;
  readonly #client: KafkaClient;
  readonly #requests: TransactionRequests;
  readonly #identity: WriterIdentity;
  readonly #closing = new AbortController();
  /** Of the next record, by partition. */
  readonly #sequences = new Map<string, number>();

  constructor(
    options: KafkaOptions,
    wanted: TransactionalWriterOptions,
    client: KafkaClient,
    requests: TransactionRequests,
    identity: WriterIdentity,
  ) {
    this.#options = options;
    this.#wanted = wanted;
    this.#client = client;
    this.#requests = requests;
    this.#identity = identity;
  }

  async write(records: readonly OutgoingRecord[]): Promise<readonly TopicPartitionOffset[]> {
    const parts = partsOfTransaction(records);
    const mayWrite = records[0]?.mayWrite ?? (() => true);
    assertAllowed(parts[0], mayWrite);
    await this.#insist(() => this.#requests.add(this.#identity, parts));
    const writing = parts.map((part) => new PartWriting(part));
    // Of any failure but a refusal the broker, or the next writer, undoes what was begun.
    while (writing.some((one) => one.next !== undefined)) await this.#insist(() => this.#writeOn(writing, mayWrite));
    const [refusal] = writing.flatMap((one) => one.refusal ?? []);
    if (refusal !== undefined) {
      await this.#insist(() => this.#requests.end(this.#identity, false));
      throw refusal;
    }
    assertAllowed(parts[0], mayWrite);
    await this.#commit();
    return writing.map(({ part: { topic, partition }, offset }) => ({ topic, partition, offset }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#client.destroy();
  }

  /** Stores the next batch of each part, one request for all that have the same leader. */
  async #writeOn(writing: readonly PartWriting[], mayWrite: MayWrite): Promise<void> {
    const open = writing.filter((one) => one.next !== undefined);
    const leaders = await Promise.all(open.map(({ part }) => this.#leaderOf(part)));
    const byLeader = Map.groupBy(open, (one) => leaders[open.indexOf(one)] ?? -1);
    // All of them have ended before the transaction does: what is still under way could be stored behind its end.
    const ended = await Promise.allSettled(
      Array.from(byLeader, ([leader, parts]) => this.#produce(leader, parts.slice(0, PARTS_TOGETHER_MAX), mayWrite)),
    );
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  async #commit(): Promise<void> {
    // A first request that is refused did nothing; one that went without an answer may have done it all.
    let sent = 0;
    try {
      await this.#insist(() => {
        sent += 1;
        return this.#requests.end(this.#identity, true);
      });
    } catch (error) {
      const isRefused = sent === 1 && error instanceof KafkaError && error.code === 'FENCED';
      if (isRefused || sent === 0) throw error;
      const text = `whether a transaction of ${this.#wanted.transactionalId} was ended cannot be told`;
      throw new KafkaError('OUTCOME_UNKNOWN', text, { cause: error });
    }
  }

  /** One request with the next batch of each of these. The broker knows a repeated one by its sequence. */
  async #produce(leader: number, writing: readonly PartWriting[], mayWrite: MayWrite): Promise<void> {
    const { clock } = this.#options;
    const { transactionalId } = this.#wanted;
    const writerOf = (where: TopicPartition): BatchWriter => ({ ...this.#identity, sequence: this.#sequenceOf(where) });
    const transaction = { transactionalId, writerOf };
    const times = { brokerTimeoutMs: BROKER_TIMEOUT_MS, timeoutMs: TIMEOUT_MS, clock, transaction };
    const writes = writing.map(({ part, next = [] }) => ({ ...part, records: next }));
    const take = () => (mayWrite() === true ? writes : []);
    const answers = await produce(await this.#client.broker(leader), take, times);
    const troubles: ProtocolError[] = [];
    for (const one of writing) {
      const { topic, partition } = one.part;
      const answer = answers.find((told) => told.topic === topic && told.partition === partition);
      if (answer === undefined) throw fenced(one.part);
      const { errorCode, baseOffset } = answer;
      const verdict = produceVerdict(errorCode);
      if (verdict === 'stored' || errorCode === code.duplicateSequence) this.#stored(one, baseOffset);
      else if (verdict === 'again' || verdict === 'unknown-topic')
        troubles.push(new ProtocolError(`writing to ${keyOf(one.part)}`, errorCode));
      else one.refusal = refusedForGood(one.part, verdict, errorCode);
    }
    const [trouble] = troubles;
    if (trouble === undefined) return;
    await this.#client.refresh(writing.map(({ part }) => part.topic));
    throw trouble;
  }

  #stored(one: PartWriting, baseOffset: number): void {
    const records = one.next?.length ?? 0;
    this.#sequences.set(keyOf(one.part), this.#sequenceOf(one.part) + records);
    one.stored(baseOffset + records - 1);
  }

  #sequenceOf(where: TopicPartition): number {
    return this.#sequences.get(keyOf(where)) ?? 0;
  }

  async #leaderOf({ topic, partition }: TopicPartition): Promise<number> {
    const known = this.#client.leaderOf(topic, partition);
    if (typeof known === 'number') return known;
    await this.#client.refresh([topic]);
    const leader = this.#client.leaderOf(topic, partition);
    if (typeof leader === 'number') return leader;
    throw new KafkaError('UNAVAILABLE', `${topic}/${partition} has no leader`);
  }

  #insist<T>(ask: () => Promise<T>): Promise<T> {
    return retry(ask, { ...endlessRetry(this.#options, this.#wanted), signal: this.#closing.signal });
  }
}

/** The records of one partition, batch by batch. */
class PartWriting {
  readonly part: PartitionWrite;
  /** Where the last record that is stored stands. */
  offset = -1;
  /** Why the broker takes none of the rest. */
  refusal: KafkaError | null = null;
  readonly #batches: (readonly OutgoingRecord[])[];

  constructor(part: PartitionWrite) {
    this.part = part;
    this.#batches = [...batchesOf(part.records)];
  }

  /** What is to be stored next; undefined: nothing. */
  get next(): readonly OutgoingRecord[] | undefined {
    return this.refusal === null ? this.#batches[0] : undefined;
  }

  /** The next batch is, up to this offset. */
  stored(offset: number): void {
    this.offset = offset;
    this.#batches.shift();
  }
}

type MayWrite = NonNullable<OutgoingRecord['mayWrite']>;

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function assertAllowed(where: TopicPartition, mayWrite: MayWrite): void {
  if (mayWrite() !== true) throw fenced(where);
}

function* batchesOf(records: readonly OutgoingRecord[]): Iterable<readonly OutgoingRecord[]> {
  let batch: OutgoingRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = recordBytes(record);
    if (batch.length > 0 && (batch.length >= BATCH_RECORDS_MAX || bytes + size > BATCH_BYTES_MAX)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(record);
    bytes += size;
  }
  yield batch;
}
