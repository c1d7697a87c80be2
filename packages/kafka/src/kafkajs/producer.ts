import { createProducerQueue } from '../producer-queue.ts';
import { createClient } from './client.ts';
import { produce } from './produce-request.ts';
import type { Producer, ProducerOptions } from '../port.ts';
import type { KafkaClient } from './client.ts';
import type { KafkaOptions } from './options.ts';

const SEND_DEADLINE_MS_DEFAULT = 20_000;

/**
 * The producer of the port over connections of its own, so that replacing them after a deadline disturbs nobody else.
 * The broker's own timeout is shorter than the deadline: a slow acknowledgement ends as an answer, not as a replaced client.
 */
export function createProducer(options: KafkaOptions, producer: ProducerOptions): Producer {
  const deadlineMs = producer.sendDeadlineMs ?? SEND_DEADLINE_MS_DEFAULT;
  const times = {
    brokerTimeoutMs: Math.ceil(deadlineMs * 0.75),
    timeoutMs: deadlineMs * 2,
    clock: options.clock,
    ...(options.onBrokerTime !== undefined && { onBrokerTime: options.onBrokerTime }),
  };
  const newClient = (): KafkaClient => createClient(options, `${options.clientId}-${producer.name}`);
  let client = newClient();
  return createProducerQueue(
    {
      leaderOf: (topic, partition) => client.leaderOf(topic, partition),
      async refresh(topics) {
        await client.refresh(topics);
      },
      async produce(leader, take) {
        const used = client;
        return produce(await used.broker(leader), take, times);
      },
      reset() {
        client.destroy();
        client = newClient();
      },
      async close() {
        client.destroy();
      },
    },
    {
      ...producer,
      clock: options.clock,
      onTrouble: (error) =>
        options.logger?.warn({ producer: producer.name, err: error }, 'a send to Kafka failed; it is repeated'),
    },
  );
}
