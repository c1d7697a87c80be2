import { limits } from '@postrider/core';
import { KafkaError } from '../port.ts';
import { createClient } from './client.ts';
import { createFetchLoop } from './fetch-loop.ts';
import { EARLIEST, LATEST, listOffsets, partitionsOf } from './list-offsets.ts';
import { insist, retry } from './retry.ts';
import { MAX_WAIT_MS_DEFAULT } from '../member-limits.ts';
import type { FetchLoop } from './fetch-loop.ts';
import type { KafkaClient } from './client.ts';
import type { KafkaOptions } from './options.ts';
import type { Batch, Reader, ReaderOptions } from '../port.ts';

const READ_COMMITTED = 1;

/** The port's reader: a fetch loop of its own, no group. Waits for the cluster as long as it takes; an absent topic rejects. */
export async function createReader(options: KafkaOptions, wanted: ReaderOptions, signal: AbortSignal): Promise<Reader> {
  const client = createClient(options, `${options.clientId}-reader`);
  try {
    const onTrouble = (error: Error) => wanted.onTrouble?.(error);
    const range = await retry(() => readableRange(client, wanted), {
      clock: options.clock,
      limitMs: Infinity,
      signal,
      onTrouble,
    });
    return new TopicReader(options, wanted, client, range);
  } catch (error) {
    client.destroy();
    throw error;
  }
}

interface Range {
  readonly low: ReadonlyMap<number, number>;
  readonly high: ReadonlyMap<number, number>;
}

async function readableRange(client: KafkaClient, wanted: ReaderOptions): Promise<Range> {
  const all = await partitionsOf(client, wanted.topic);
  const partitions = wanted.partitions ?? all;
  const absent = partitions.find((partition) => !all.includes(partition));
  if (absent !== undefined) throw new KafkaError('UNKNOWN_TOPIC', `there is no partition ${wanted.topic}/${absent}`);
  const low = await listOffsets(client, wanted.topic, partitions, EARLIEST, READ_COMMITTED);
  const high = await listOffsets(client, wanted.topic, partitions, LATEST, READ_COMMITTED);
  return { low, high };
}

class TopicReader implements Reader {
  readonly caughtUp: Promise<void>;
  readonly #wanted: ReaderOptions;
  readonly #options: KafkaOptions;
  readonly #client: KafkaClient;
  readonly #loop: FetchLoop;
  readonly #behind: Map<number, number>;
  readonly #settled = Promise.withResolvers<void>();
  readonly #closing = new AbortController();

  constructor(options: KafkaOptions, wanted: ReaderOptions, client: KafkaClient, range: Range) {
    this.#wanted = wanted;
    this.#options = options;
    this.#client = client;
    this.#behind = new Map(range.high);
    this.caughtUp = this.#settled.promise;
    // Who does not wait for it need not hear that it will never come.
    this.caughtUp.catch(() => undefined);
    this.#loop = createFetchLoop({
      client,
      clock: options.clock,
      maxWaitMs: wanted.maxWaitMs ?? MAX_WAIT_MS_DEFAULT,
      maxBytesPerPartition: limits.fetchPartitionBytesMax,
      onBatch: (batch) => this.#deliver(batch),
      onOutOfRange: (_topic, partition, offset) => void this.#restart(partition, offset),
      onTrouble: (error) => wanted.onTrouble?.(error),
    });
    for (const partition of range.high.keys()) {
      const offset = wanted.from?.get(partition) ?? range.low.get(partition) ?? 0;
      this.#loop.start(wanted.topic, partition, offset);
      // An empty partition, or one whose records are all deleted, never brings a batch to tell by.
      this.#reached(partition, Math.max(offset, range.low.get(partition) ?? 0));
    }
  }

  position(partition: number): number {
    return this.#loop.position(this.#wanted.topic, partition) ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#settled.reject(new KafkaError('CLOSED', `the reader of ${this.#wanted.topic} was closed`));
    this.#loop.close();
    this.#client.destroy();
  }

  #deliver(batch: Batch): void {
    this.#wanted.onBatch(batch);
    this.#reached(batch.partition, batch.nextOffset);
  }

  #reached(partition: number, offset: number): void {
    if (offset < (this.#behind.get(partition) ?? 0)) return;
    this.#behind.delete(partition);
    if (this.#behind.size === 0) this.#settled.resolve();
  }

  /** What was deleted cannot be read, and a lost end is read again from the end. */
  async #restart(partition: number, offset: number): Promise<void> {
    const { topic } = this.#wanted;
    const onTrouble = (error: Error) => this.#wanted.onTrouble?.(error);
    onTrouble(new Error(`offset ${offset} of ${topic}/${partition} does not exist any more`));
    const startNow = async () => {
      const { low, high } = await readableRange(this.#client, { ...this.#wanted, partitions: [partition] });
      const first = low.get(partition) ?? 0;
      return offset < first ? first : (high.get(partition) ?? first);
    };
    const start = await insist(startNow, { clock: this.#options.clock, signal: this.#closing.signal, onTrouble });
    if (start === undefined) return;
    this.#loop.start(topic, partition, start);
    this.#reached(partition, start);
  }
}
