import { KafkaError } from '../port.ts';
import { fenced, isRefusal, partsOfTransaction, produceVerdict, refusedForGood } from '../produce-errors.ts';
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
import type { TransactionRequests, WriterIdentity } from './transaction-requests.ts';

const TRANSACTION_TIMEOUT_MS_DEFAULT = 30_000;
/** How long a broker may wait for its followers, and we for it. What is repeated is stored once. */
const BROKER_TIMEOUT_MS = 10_000;
const TIMEOUT_MS = 15_000;
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
    // All of them have ended before the transaction does: what is still under way could be stored behind its end.
    const written = await Promise.allSettled(parts.map((part) => this.#writePart(part, mayWrite)));
    const errors: unknown[] = written.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (errors.length > 0) {
      const final = errors.find((error) => !isRefusal(error));
      // What the broker refuses for good leaves an open transaction; of any other failure the broker, or the next writer,
      // undoes what was begun.
      if (final === undefined) await this.#insist(() => this.#requests.end(this.#identity, false));
      throw final ?? errors[0];
    }
    assertAllowed(parts[0], mayWrite);
    await this.#commit();
    return written.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#client.destroy();
  }

  /** Where the last of these records stands. */
  async #writePart({ topic, partition, records }: PartitionWrite, mayWrite: MayWrite): Promise<TopicPartitionOffset> {
    let offset = -1;
    for (const batch of batchesOf(records)) {
      const first = await this.#insist(() => this.#produce({ topic, partition }, batch, mayWrite));
      offset = first + batch.length - 1;
    }
    return { topic, partition, offset };
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

  /** Stores one batch; the offset of its first record. The broker knows a repeated one by its sequence. */
  async #produce(where: TopicPartition, records: readonly OutgoingRecord[], mayWrite: MayWrite): Promise<number> {
    const { topic, partition } = where;
    const key = `${topic}/${partition}`;
    const leader = await this.#leaderOf(where);
    const sequence = this.#sequences.get(key) ?? 0;
    const transaction = { ...this.#identity, transactionalId: this.#wanted.transactionalId, sequence };
    const { clock } = this.#options;
    const times = { brokerTimeoutMs: BROKER_TIMEOUT_MS, timeoutMs: TIMEOUT_MS, clock, transaction };
    const take = () => (mayWrite() === true ? [{ topic, partition, records }] : []);
    const [answer] = await produce(await this.#client.broker(leader), take, times);
    if (answer === undefined) throw fenced(where);
    const { errorCode, baseOffset } = answer;
    const verdict = produceVerdict(errorCode);
    if (verdict !== 'stored' && errorCode !== code.duplicateSequence) {
      await this.#client.refresh([topic]);
      if (verdict === 'again' || verdict === 'unknown-topic') throw new ProtocolError(`writing to ${key}`, errorCode);
      throw refusedForGood(where, verdict, errorCode);
    }
    this.#sequences.set(key, sequence + records.length);
    return baseOffset;
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

type MayWrite = NonNullable<OutgoingRecord['mayWrite']>;

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
