import { KafkaError } from '../src/port.ts';
import { retry } from '../src/kafkajs/retry.ts';
import { createFakeFetcher } from './fake-fetcher.ts';
import type { FakeCluster } from './fake-cluster.ts';
import type { FakeFetcher } from './fake-fetcher.ts';
import type { FakeProcess } from './fake-process.ts';
import type { Reader, ReaderOptions } from '../src/port.ts';

/** The port's reader over the fake cluster. */
export async function createFakeReader(
  cluster: FakeCluster,
  process: FakeProcess,
  options: ReaderOptions,
  signal: AbortSignal,
): Promise<Reader> {
  const onTrouble = (error: Error) => options.onTrouble?.(error);
  const look = () =>
    process.ask('metadata', () => {
      const partitions = options.partitions ?? cluster.topic(options.topic).logs.map(({ partition }) => partition);
      return new Map(partitions.map((partition) => [partition, cluster.log(options.topic, partition).high]));
    });
  const ends = await retry(look, { clock: process.clock, limitMs: Infinity, signal, onTrouble });
  const fetchers = new Map<number, FakeFetcher>();
  const behind = new Set(ends.keys());
  let closed = false;
  const caughtUp = Promise.withResolvers<void>();
  // Who does not wait for it need not hear that it will never come.
  caughtUp.promise.catch(() => undefined);

  function reached(partition: number, offset: number): void {
    if (offset < (ends.get(partition) ?? 0)) return;
    behind.delete(partition);
    if (behind.size === 0) caughtUp.resolve();
  }

  for (const partition of ends.keys()) {
    const log = cluster.log(options.topic, partition);
    const fetcher = createFakeFetcher({
      cluster,
      process,
      topic: options.topic,
      partition,
      onBatch(batch) {
        options.onBatch(batch);
        reached(partition, batch.nextOffset);
      },
      // What was deleted cannot be read; what was lost at the end is read again from the end.
      onOutOfRange(offset) {
        onTrouble(new Error(`offset ${offset} of ${options.topic}/${partition} does not exist any more`));
        fetcher.start(offset < log.low ? log.low : log.high);
        reached(partition, fetcher.position);
      },
    });
    fetchers.set(partition, fetcher);
    fetcher.start(options.from?.get(partition) ?? log.low);
    reached(partition, fetcher.position);
  }
  if (behind.size === 0) caughtUp.resolve();

  return {
    caughtUp: caughtUp.promise,
    position: (partition) => fetchers.get(partition)?.position ?? 0,
    async [Symbol.asyncDispose]() {
      if (closed) return;
      closed = true;
      caughtUp.reject(new KafkaError('CLOSED', `the reader of ${options.topic} was closed`));
      for (const fetcher of fetchers.values()) fetcher.stop();
    },
  };
}
