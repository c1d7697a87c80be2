/**
 * One half of the least that any sender over Kafka does. `forward`: reads events and writes each to another topic. `post`:
 * reads that one and POSTs each body, unsigned, over a connection that is kept. Neither knows tenants, matches, or remembers.
 */
import { connectKafka, header } from '@postrider/kafka';
import { systemClock } from '@postrider/runtime';
import { Client } from 'undici';

const [part, broker = '', prefix = '', port = ''] = process.argv.slice(2);
const kafka = connectKafka({ brokers: broker.split(','), clientId: `bare-${part}`, clock: systemClock });

async function forward(): Promise<void> {
  const producer = kafka.producer({ name: 'bare' });
  const topic = `${prefix}deliveries`;
  const failed = (error: Error | null): void => {
    if (error !== null) throw error;
  };
  await kafka.reader({
    topic: `${prefix}events`,
    onBatch({ records }) {
      for (const { partition, key, value, headers } of records)
        producer.enqueue({ topic, partition, key, value, headers }, failed);
    },
  });
}

async function post(): Promise<void> {
  const clients = new Map<string, Client>();
  const headers = ['content-type', 'application/json'];
  const clientOf = (path: string): Client => {
    let client = clients.get(path);
    if (client === undefined)
      clients.set(
        path,
        (client = new Client(`http://127.0.0.1:${port}`, { keepAliveTimeout: 60_000, allowH2: false })),
      );
    return client;
  };
  await kafka.reader({
    topic: `${prefix}deliveries`,
    onBatch({ records }) {
      for (const record of records) {
        const path = `/${header(record, 'ce_type')?.toString().slice('bench.'.length) ?? ''}`;
        clientOf(path).dispatch(
          { path, method: 'POST', headers, body: record.value },
          {
            onRequestStart() {},
            onResponseStart() {},
            onResponseData() {},
            onResponseEnd() {},
            onResponseError(_controller, error) {
              throw error;
            },
          },
        );
      }
    },
  });
}

await (part === 'forward' ? forward() : post());
process.send?.('ready');
process.on('disconnect', () => process.exit(0));
