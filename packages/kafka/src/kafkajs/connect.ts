import { KafkaError } from '../port.ts';
import { createAdmin } from './admin.ts';
import { parseAddress } from './client.ts';
import { createGroupMember } from './group-member.ts';
import { createProducer } from './producer.ts';
import { createReader } from './reader.ts';
import { createTransactionalWriter } from './transactional-writer.ts';
import type { KafkaPort } from '../port.ts';
import type { KafkaOptions } from './options.ts';

export type { KafkaConnection, KafkaLogger, KafkaOptions, KafkaSasl } from './options.ts';

/**
 * The port over a real cluster. Connects when something is first asked for, so it never rejects for want of a broker: readers,
 * members and producers wait for the cluster, and admin calls reject with `UNAVAILABLE` after 10 s. Throws
 * `INVALID_ARGUMENT` for addresses that are none.
 */
export function connectKafka(options: KafkaOptions): KafkaPort {
  if (options.brokers.length === 0)
    throw new KafkaError('INVALID_ARGUMENT', 'brokers is empty: at least one host:port is needed');
  options.brokers.forEach(parseAddress);
  const opened = new Set<AsyncDisposable>();
  /** Members that have not joined yet: when the port closes they may have to leave. */
  const leaving = new Set<Promise<void>>();
  const admin = createAdmin(options);
  const closing = new AbortController();
  const { signal } = closing;
  const assertOpen = () => {
    if (signal.aborted) throw new KafkaError('CLOSED', 'the connection to Kafka is closed');
  };
  /** Until it is disposed: a process opens and closes readers for as long as it lives. */
  const track = (resource: AsyncDisposable): void => {
    const dispose = resource[Symbol.asyncDispose].bind(resource);
    opened.add(resource);
    resource[Symbol.asyncDispose] = async () => {
      await dispose();
      opened.delete(resource);
    };
  };
  const keep = async <T extends AsyncDisposable>(resource: T): Promise<T> => {
    track(resource);
    // Closed while this one was being opened: nobody else would close it.
    if (signal.aborted) await resource[Symbol.asyncDispose]();
    assertOpen();
    return resource;
  };
  return {
    admin,
    producer(producerOptions) {
      assertOpen();
      const producer = createProducer(options, producerOptions);
      track(producer);
      return producer;
    },
    async transactionalWriter(writerOptions) {
      assertOpen();
      return keep(await createTransactionalWriter(options, writerOptions, signal));
    },
    async groupMember(memberOptions) {
      assertOpen();
      const joining = createGroupMember(options, memberOptions, signal);
      const ended = joining.then(noop, noop);
      leaving.add(ended);
      void ended.then(() => leaving.delete(ended));
      return keep(await joining);
    },
    async reader(readerOptions) {
      assertOpen();
      return keep(await createReader(options, readerOptions, signal));
    },
    async [Symbol.asyncDispose]() {
      if (signal.aborted) return;
      closing.abort();
      admin.close();
      await Promise.all([...leaving, ...[...opened].map((resource) => resource[Symbol.asyncDispose]())]);
    },
  };
}

function noop(): void {}
