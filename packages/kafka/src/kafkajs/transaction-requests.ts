import { pause } from '../pause.ts';
import { coordinatorNode, type Finding } from './coordinator.ts';
import { assertNoError, code } from './protocol-error.ts';
import type { Clock } from '@postrider/core';
import type { TopicPartition } from '../port.ts';
import type { ApiName } from './internals.ts';

/** Who writes, as brokers tell the newest writer of an id from those before it. */
export interface WriterIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** What is asked of the coordinator of one transactional id. Each asks once; rejects with a `ProtocolError` for a refusal. */
export interface TransactionRequests {
  /** Ends every older writer of the id, and what it had begun. */
  begin(transactionTimeoutMs: number): Promise<WriterIdentity>;
  /** Makes all of these partitions part of the transaction, which begins if there is none. */
  add(identity: WriterIdentity, where: readonly TopicPartition[]): Promise<void>;
  end(identity: WriterIdentity, commit: boolean): Promise<void>;
}

/** The end of the transaction before is being written to its partitions: a matter of milliseconds. */
const BUSY_MS = 5;

/** Asks over this client's connections. */
export function createTransactionRequests(client: Finding, transactionalId: string, clock: Clock): TransactionRequests {
  /** Node of the coordinator; null: not known, or it may be another one by now. To ask each time would double what a transaction waits for. */
  let coordinator: number | null = null;
  const call = async <T>(api: ApiName, args: object): Promise<T> => {
    coordinator ??= await coordinatorNode(client, transactionalId, 'transaction');
    return client.call<T>(await client.broker(coordinator), api, { transactionalId, ...args });
  };

  /** Asks again while the transaction before is being ended. */
  async function unlessBusy<T>(ask: () => Promise<T>, errorOf: (answer: T) => number, what: string): Promise<T> {
    try {
      for (;;) {
        const answer = await ask();
        const errorCode = errorOf(answer);
        if (errorCode !== code.concurrentTransactions) {
          assertNoError(`${what} ${transactionalId}`, errorCode);
          return answer;
        }
        await pause(clock, BUSY_MS);
      }
    } catch (error) {
      coordinator = null;
      throw error;
    }
  }

  return {
    async begin(transactionTimeoutMs) {
      const args = { transactionTimeout: transactionTimeoutMs };
      const raw = await unlessBusy(() => call<RawIdentity>('InitProducerId', args), errorCodeOf, 'opening');
      return { producerId: Number(raw.producerId), producerEpoch: raw.producerEpoch };
    },
    async add(identity, where) {
      const byTopic = Map.groupBy(where, ({ topic }) => topic);
      const topics = Array.from(byTopic, ([topic, places]) => ({
        topic,
        partitions: places.map(({ partition }) => partition),
      }));
      const args = { ...idsOf(identity), topics };
      const ask = (): Promise<RawAdded> => call<RawAdded>('AddPartitionsToTxn', args);
      await unlessBusy(ask, addErrorOf, 'writing as');
    },
    async end(identity, commit) {
      const args = { ...idsOf(identity), transactionResult: commit };
      await unlessBusy(() => call<RawAnswer>('EndTxn', args), errorCodeOf, 'ending a transaction of');
    },
  };
}

interface RawAnswer {
  readonly errorCode: number;
}

interface RawIdentity extends RawAnswer {
  readonly producerId: string;
  readonly producerEpoch: number;
}

interface RawAdded {
  readonly errors: readonly {
    readonly topic: string;
    readonly partitionErrors: readonly { readonly partition: number; readonly errorCode: number }[];
  }[];
}

/** When one partition cannot be added none is: the others' errors say only that. */
function addErrorOf({ errors }: RawAdded): number {
  const codes = errors.flatMap(({ partitionErrors }) => partitionErrors.map(({ errorCode }) => errorCode));
  const refused = codes.filter((one) => one !== code.none);
  return refused.find((one) => one !== code.operationNotAttempted) ?? refused[0] ?? code.none;
}

function errorCodeOf({ errorCode }: RawAnswer): number {
  return errorCode;
}

function idsOf({ producerId, producerEpoch }: WriterIdentity): { producerId: string; producerEpoch: number } {
  return { producerId: String(producerId), producerEpoch };
}
