import { header } from '@postrider/kafka';
import { offsetsOf } from './kafka-error.ts';
import { createNewest } from './newest.ts';
import type { CliContext } from './context.ts';
import type { Batch, IncomingRecord, KafkaPort } from '@postrider/kafka';

/**
 * Hands the records of a topic to `onRecord`, partition by partition in offset order: what stands there now, then, with
 * `follow`, what comes. Resolves at the end of what stood there, or when `onRecord` answers `stop`, or the signal aborts.
 */
export async function readTopic(
  kafka: KafkaPort,
  options: {
    readonly topic: string;
    readonly from: 'beginning' | 'end';
    readonly follow: boolean;
    readonly signal: AbortSignal;
    /** Kafka has answered, and the topic exists: from now on there are records. */
    onStart?(): void;
    onRecord(record: IncomingRecord): 'stop' | 'go on';
  },
): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  let over = false;
  const onBatch = (batch: Batch) => {
    for (const record of batch.records) {
      if (over) return;
      if (options.onRecord(record) === 'go on') continue;
      over = true;
      stopped.resolve();
    }
  };
  const offsets = await offsetsOf(kafka, options.topic);
  const start = new Map(offsets.map((range) => [range.partition, options.from === 'end' ? range.high : range.low]));
  options.onStart?.();
  await using reader = await kafka.reader({ topic: options.topic, from: start, onBatch });
  options.signal.addEventListener('abort', () => stopped.resolve(), { once: true });
  if (options.signal.aborted) return;
  await (options.follow ? stopped.promise : Promise.race([stopped.promise, reader.caughtUp]));
  over = true;
}

/** What a record's bytes say; null, with a word on standard error, when they cannot be read: the next ones can. */
export function readable<T>(
  { topic, partition, offset }: IncomingRecord,
  decode: (bytes: Buffer) => T,
  bytes: Buffer,
  context: Pick<CliContext, 'err'>,
): T | null {
  try {
    return decode(bytes);
  } catch {
    context.err(`postrider: ${topic}, partition ${partition}, offset ${offset} cannot be read and is left out\n`);
    return null;
  }
}

/** The newest entries of a topic whose records say what they are in one header; oldest first, in bounded memory. */
export async function newestByHeader<T extends { readonly time: Date | undefined }>(
  kafka: KafkaPort,
  context: Pick<CliContext, 'err' | 'signal'>,
  options: {
    readonly topic: string;
    readonly header: string;
    readonly limit: number;
    decode(bytes: Buffer): T;
    isWanted?(entry: T): boolean;
  },
): Promise<T[]> {
  const newest = createNewest<T>(options.limit, ({ time }) => time?.getTime() ?? 0);
  await readTopic(kafka, {
    topic: options.topic,
    from: 'beginning',
    follow: false,
    signal: context.signal,
    onRecord: (record) => {
      const encoded = header(record, options.header);
      const entry = encoded && readable(record, (bytes) => options.decode(bytes), encoded, context);
      if (entry && options.isWanted?.(entry) !== false) newest.add(entry);
      return 'go on';
    },
  });
  return newest.list();
}
