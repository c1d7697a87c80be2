import { KafkaError } from '../src/port.ts';
import { partsOfTransaction, produceVerdict, refusedForGood } from '../src/produce-errors.ts';
import { pause } from '../src/pause.ts';
import { retry } from '../src/kafkajs/retry.ts';
import type {
  OutgoingRecord,
  TopicPartition,
  TopicPartitionOffset,
  TransactionalWriter,
  TransactionalWriterOptions,
} from '../src/port.ts';
import type { PartitionAnswer, PartitionWrite } from '../src/producer-queue.ts';
import type { FakeCluster } from './fake-cluster.ts';
import type { FakeProcess } from './fake-process.ts';

/** What the brokers know of the writers of one transactional id. */
export interface FakeTransactions {
  /** Of the newest writer. */
  epoch: number;
  /** What it was answered, by the numbers of its writes: a repeated one is stored once. */
  readonly stored: Map<number, readonly PartitionAnswer[]>;
}

/** Which write of which writer one is. */
export interface FakeTransactionWrite {
  readonly transactionalId: string;
  readonly epoch: number;
  readonly number: number;
}

const SEND_DEADLINE_MS = 20_000;
const AGAIN_MS = 100;
const CODE_FENCED = 90;

/**
 * The port's transactional writer over the fake cluster. A transaction is one write here, stored and ended at once: what
 * readers, other writers and whoever waits for the answer can see of it is the same.
 */
export async function createFakeTransactionalWriter(
  cluster: FakeCluster,
  process: FakeProcess,
  { transactionalId }: TransactionalWriterOptions,
  signal: AbortSignal,
): Promise<TransactionalWriter> {
  const { clock } = process;
  const begin = () => process.ask('metadata', () => cluster.openTransactions(transactionalId));
  const epoch = await retry(begin, { clock, limitMs: Infinity, signal });
  const closing = new AbortController();
  let number = 0;

  /** One request; null when it had no answer. */
  function produce(
    writes: readonly PartitionWrite[],
    mayWrite: () => boolean,
  ): Promise<readonly PartitionAnswer[] | 'not-sent' | null> {
    const { promise, resolve } = Promise.withResolvers<readonly PartitionAnswer[] | 'not-sent' | null>();
    const cancel = clock.after(SEND_DEADLINE_MS, () => resolve(null));
    const by = { transactionalId, epoch, number };
    process.io(() => {
      if (!mayWrite()) return resolve('not-sent');
      if (process.cutOff) return resolve(null);
      cluster.produceAsOne(process.clientId, writes, by, (error, answers) =>
        process.io(() => resolve(error !== null || process.cutOff || answers.length === 0 ? null : answers)),
      );
    });
    return promise.finally(cancel);
  }

  async function write(records: readonly OutgoingRecord[]): Promise<readonly TopicPartitionOffset[]> {
    const parts = partsOfTransaction(records);
    number += 1;
    let unanswered = false;
    const ended = (code: 'FENCED' | 'CLOSED'): KafkaError =>
      new KafkaError(unanswered ? 'OUTCOME_UNKNOWN' : code, `the writer of ${transactionalId} has ended`);
    for (;;) {
      if (closing.signal.aborted) throw ended('CLOSED');
      const answers = await produce(parts, () => (records[0]?.mayWrite?.() ?? true) === true);
      if (answers === 'not-sent') throw ended('FENCED');
      const refused = answers?.find(({ errorCode }) => errorCode !== 0);
      if (answers !== null && refused === undefined) return parts.map((part, index) => endOf(part, answers[index]));
      if (refused?.errorCode === CODE_FENCED) throw ended('FENCED');
      const verdict = refused === undefined ? 'again' : produceVerdict(refused.errorCode);
      if (refused !== undefined && verdict !== 'again' && verdict !== 'unknown-topic') {
        throw refusedForGood(refused, verdict, refused.errorCode);
      }
      unanswered ||= answers === null;
      await pause(clock, AGAIN_MS, closing.signal);
    }
  }

  return {
    write,
    async [Symbol.asyncDispose]() {
      closing.abort();
    },
  };
}

function endOf({ topic, partition, records }: PartitionWrite, answer?: PartitionAnswer): TopicPartitionOffset {
  return { topic, partition, offset: (answer?.baseOffset ?? -1) + records.length - 1 };
}

/** The answers to a write that is not to be stored: another writer is the newest, or it is stored already. */
export function transactionVerdict(
  transactions: FakeTransactions | undefined,
  by: FakeTransactionWrite,
  writes: readonly TopicPartition[],
): readonly PartitionAnswer[] | null {
  if (transactions?.epoch === by.epoch) return transactions.stored.get(by.number) ?? null;
  return writes.map(({ topic, partition }) => ({ topic, partition, errorCode: CODE_FENCED, baseOffset: -1 }));
}
