import { KafkaError } from '../port.ts';
import type { Broker, Connection } from './internals.ts';

/** Closes the connections to a broker without waiting for their answers, which reject. */
export async function hangUp(broker: Broker): Promise<void> {
  await Promise.all(broker.connectionPool.pool.map(closeNow));
}

async function closeNow(connection: Connection): Promise<void> {
  connection.requestQueue.rejectAll(new KafkaError('UNAVAILABLE', 'the connection was closed'));
  connection.requestQueue.destroy();
  connection.socket?.destroy();
  await connection.disconnect().catch(() => undefined);
}

/**
 * The answer; when it does not come in time the connections are closed. kafkajs keeps them, so that a broker whose machine died
 * without a word, and came back at the same address, would not be reached before the kernel gives up, a quarter of an hour later.
 */
export async function hangUpWhenSilent<T>(broker: Broker, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError') void hangUp(broker);
    throw error;
  }
}
