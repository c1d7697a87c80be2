import { Kafka, logLevel, type Message } from 'kafkajs';
import type { OutgoingRecord } from '../src/port.ts';

/** The producer of kafkajs as it comes: what benches compare with. */
export interface StockProducer extends AsyncDisposable {
  /** Sends records of one topic in one request a leader; resolves when all in-sync replicas have them. */
  send(records: readonly OutgoingRecord[]): Promise<void>;
}

export async function openStockProducer(brokers: readonly string[]): Promise<StockProducer> {
  const kafka = new Kafka({ clientId: 'stock', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  return {
    async send(records) {
      const messages = records.map(({ partition, key, value, headers }) => ({
        ...{ partition, key, value },
        headers: headers as NonNullable<Message['headers']>,
      }));
      await producer.send({ topic: records[0]?.topic ?? '', messages, acks: -1 });
    },
    [Symbol.asyncDispose]: () => producer.disconnect(),
  };
}
