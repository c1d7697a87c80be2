import { KafkaError } from '../src/port.ts';
import { firstOfTransaction, produceVerdict, refusedForGood } from '../src/produce-errors.ts';
import { pause } from '../src/pause.ts';
import { retry } from '../src/kafkajs/retry.ts';
import type { OutgoingRecord, TransactionalWriter, TransactionalWriterOptions } from '../src/port.ts';
import type { PartitionAnswer, PartitionWrite } from '../src/producer-queue.ts';
import type { FakeCluster } from './fake-cluster.ts';
import type { FakeProcess } from './fake-process.ts';

/** What the brokers know of the writers of one transactional id. */
export interface FakeTransactions {
  /** Of the newest writer. */
  epoch: number;
  /** Where its writes stand, by their number: a repeated one is stored once. */
  readonly stored: Map<number, number>;
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
  function produce(write: PartitionWrite, mayWrite: () => boolean): Promise<PartitionAnswer | 'not-sent' | null> {
    const { promise, resolve } = Promise.withResolvers<PartitionAnswer | 'not-sent' | null>();
    const cancel = clock.after(SEND_DEADLINE_MS, () => resolve(null));
    const by = { transactionalId, epoch, number };
    process.io(() => {
      if (!mayWrite()) return resolve('not-sent');
      if (process.cutOff) return resolve(null);
      const leader = cluster.leader(write.topic, write.partition);
      cluster.produce(process.clientId, leader, [{ ...write, by }], (error, answers) =>
        process.io(() => resolve(error !== null || process.cutOff ? null : (answers[0] ?? null))),
      );
    });
    return promise.finally(cancel);
  }

  async function write(records: readonly OutgoingRecord[]): Promise<number> {
    const first = firstOfTransaction(records);
    const { topic, partition } = first;
    number += 1;
    let unanswered = false;
    const ended = (code: 'FENCED' | 'CLOSED'): KafkaError =>
      new KafkaError(unanswered ? 'OUTCOME_UNKNOWN' : code, `the writer of ${transactionalId} has ended`);
    for (;;) {
      if (closing.signal.aborted) throw ended('CLOSED');
      const answer = await produce({ topic, partition, records }, () => (first.mayWrite?.() ?? true) === true);
      if (answer === 'not-sent' || answer?.errorCode === CODE_FENCED) throw ended('FENCED');
      const verdict = answer === null ? 'again' : produceVerdict(answer.errorCode);
      if (verdict === 'stored' && answer !== null) return answer.baseOffset + records.length - 1;
      if (answer !== null && verdict !== 'again' && verdict !== 'unknown-topic') {
        throw refusedForGood(first, verdict, answer.errorCode);
      }
      unanswered ||= answer === null;
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

/** The answer to a write that is not to be stored: another writer is the newest, or it is stored already. */
export function transactionVerdict(
  transactions: FakeTransactions | undefined,
  by: { readonly epoch: number; readonly number: number },
): { readonly errorCode: number; readonly baseOffset: number } | null {
  if (transactions === undefined || transactions.epoch !== by.epoch) return { errorCode: CODE_FENCED, baseOffset: -1 };
  const baseOffset = transactions.stored.get(by.number);
  return baseOffset === undefined ? null : { errorCode: 0, baseOffset };
}
