/** kafkajs as it comes, for tests: to show a fault that the adapter is free of, and to write what the port never writes. */
import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';

const require = createRequire(import.meta.url);

/** A stock client that logs nothing. */
export function stockClient(brokers: readonly string[]): kafkajs.Kafka {
  return new kafkajs.Kafka({ clientId: 'stock', brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
}

/** A module of stock kafkajs by its path inside the package. */
export function stockModule<T>(path: string): T {
  return require(`kafkajs/src/${path}`) as T;
}

/** An aborted transaction of one record: two offsets without a readable record. */
export async function leaveGap(brokers: readonly string[], topic: string, partition: number): Promise<void> {
  const producer = stockClient(brokers).producer({
    transactionalId: `gap-${topic}`,
    maxInFlightRequests: 1,
    idempotent: true,
    createPartitioner: () => () => partition,
  });
  await producer.connect();
  try {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ key: 'aborted', value: 'aborted', partition }] });
    await transaction.abort();
  } finally {
    await producer.disconnect();
  }
}
