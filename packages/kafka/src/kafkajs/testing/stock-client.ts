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
  const stock = stockClient(brokers);
  const admin = stock.admin();
  const end = async () => {
    const offsets = await admin.fetchTopicOffsets(topic);
    return Number(offsets.find((one) => one.partition === partition)?.high);
  };
  const producer = stock.producer({
    transactionalId: `gap-${topic}`,
    maxInFlightRequests: 1,
    idempotent: true,
    createPartitioner: () => () => partition,
  });
  await Promise.all([producer.connect(), admin.connect()]);
  try {
    const before = await end();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ key: 'aborted', value: 'aborted', partition }] });
    await transaction.abort();
    // The abort is decided now; the mark that ends it in the partition is written a little later.
    while ((await end()) < before + 2);
  } finally {
    await Promise.all([producer.disconnect(), admin.disconnect()]);
  }
}

/** Deletes a topic; until no broker knows it any more. */
export async function deleteTopic(brokers: readonly string[], topic: string): Promise<void> {
  const admin = stockClient(brokers).admin();
  await admin.connect();
  try {
    await admin.deleteTopics({ topics: [topic] });
    while ((await admin.listTopics()).includes(topic));
  } finally {
    await admin.disconnect();
  }
}
